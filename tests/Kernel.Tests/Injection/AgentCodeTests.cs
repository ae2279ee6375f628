using Snap.Kernel.Injection;
using Snap.Testing;

namespace Snap.Kernel.Tests.Injection;

public sealed class AgentCodeTests
{
    [SkippableFact]
    public void The_bytes_are_those_that_the_assembler_makes_of_the_source()
    {
        Skip.IfNot(File.Exists("/usr/bin/as") && File.Exists("/usr/bin/objcopy"), "as and objcopy (binutils) aren't installed");
        using var directory = new TemporaryDirectory();
        string source = Path.Combine(RepositoryRoot.Path, "src", "Kernel", "Injection", "agent.s");
        Run("as", source, "-o", directory["agent.o"]);
        Run("objcopy", "-O", "binary", directory["agent.o"], directory["agent.bin"]);
        byte[] assembled = File.ReadAllBytes(directory["agent.bin"]);
        Assert.Equal(AgentCode.Length, assembled.Length);
        Assert.Equal(Convert.ToHexString(assembled.AsSpan(0, AgentCode.SlotsOffset)), Convert.ToHexString(AgentCode.Code));
        Assert.All(assembled[AgentCode.SlotsOffset..], slot => Assert.Equal(0, slot));
    }

    private static void Run(string program, params string[] arguments)
    {
        CommandResult result = Command.Run(program, arguments);
        Assert.True(result.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {result}");
    }
}
