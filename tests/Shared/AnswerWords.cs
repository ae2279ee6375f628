namespace Snap.Testing;

/// <summary>How a target program says that it is through with a command: see tests/Programs/target.h.</summary>
internal static class AnswerWords
{
    public static bool Ends(string answer, string command)
    {
        string word = answer.Split(' ')[0];
        return word is "ok" or "bad" or "done" or "bye" or "unknown" or "broken" || word == command.Split(' ')[0];
    }
}
