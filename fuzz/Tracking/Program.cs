// track-fuzz: the exactness suite of dirty tracking as a program of its own, for long runs and for kernels in a virtual machine.
//   track-fuzz history KIND PROGRAM DIRECTORY SEED COUNT EPOCHS [MIB [FLAGS [OPERATIONS]]]   random histories, COUNT seeds from SEED on
//   track-fuzz shared Compare PROGRAM SEED COUNT EPOCHS                                      shared memory (PROGRAM: shared_history.c)
//   track-fuzz traps KIND PROGRAM                                                            the known traps
//   track-fuzz cost KIND PROGRAM MIB PERCENT ROUNDS                                          what a frozen scan costs
//   track-fuzz sharedcost Compare PROGRAM MIB PERCENT ROUNDS                                 what the comparison of shared memory costs
//   track-fuzz dirt KIND MILLISECONDS INTERVALS COMMAND…                                     where a real program's dirty pages lie, and how many changed
// KIND: WriteProtect, SoftDirty, Compare. PROGRAM: tests/Programs/memory_history.c (memory_steps.c for traps), compiled. FLAGS "mixed": O_DIRECT for odd seeds only.
// Exit status: 0 no page wrong, 1 wrong pages, 2 usage, 77 this kernel hasn't the tracker.
using System.Globalization;
using Snap.Dumper.Pages;
using Snap.Dumper.Tests.Pages;
using Snap.Image;
using Snap.Kernel.Tracking;

if (args.Length < 3 || !Enum.TryParse(args[1], out TrackerKind kind))
{
    Console.Error.WriteLine("usage: track-fuzz history KIND PROGRAM DIRECTORY SEED COUNT EPOCHS [MIB [FLAGS [OPERATIONS]]] | shared Compare PROGRAM SEED COUNT EPOCHS | traps KIND PROGRAM | cost KIND PROGRAM MIB PERCENT ROUNDS | dirt KIND MILLISECONDS INTERVALS COMMAND…");
    return 2;
}

string? missing = kind switch
{
    TrackerKind.WriteProtect when !Userfaultfd.IsSupported => "no asynchronous write-protect (Linux 6.7)",
    TrackerKind.SoftDirty when !SoftDirty.IsSupported => "no soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)",
    TrackerKind.SoftDirty when !PagemapTracker.SeesFrameNumbers => "no frame numbers without CAP_SYS_ADMIN",
    _ => null,
};
if (missing is not null)
{
    Console.WriteLine($"skipped: {kind}: {missing}");
    return 77;
}

TrackingReport sum = TrackingReport.None;
switch (args)
{
    case ["traps", _, var program]:
        foreach (string name in TrapHistory.Names)
        {
            for (int live = 0; live < (kind == TrackerKind.WriteProtect ? 2 : 1); live++)
                sum += TrapHistory.Run(kind, name, program, hasLivePass: live == 1);
        }

        break;
    case ["sharedcost", _, var program, var size, var percent, var rounds]:
        ScanCost.PrintShared(program, Number(size), Number(percent), Number(rounds));
        return 0;
    case ["cost", _, var program, var size, var percent, var rounds]:
        ScanCost.Print(kind, program, Number(size), Number(percent), Number(rounds));
        return 0;
    case ["shared", _, var program, var first, var count, var epochs]:
        for (ulong seed = ulong.Parse(first, CultureInfo.InvariantCulture), end = seed + (ulong)Number(count); seed < end && sum.PagesWrong == 0; seed++)
        {
            using var history = new SharedHistory(seed, program, seed % 2 == 0 ? "-" : "of");
            sum += history.Run(Number(epochs));
        }

        break;
    case ["dirt", _, var milliseconds, var intervals, var command, .. var arguments]:
        sum = ProgramDirt.Print(kind, Number(milliseconds), Number(intervals), command, arguments);
        break;
    case ["history", _, var program, var directory, var first, var count, var epochs, .. var more]:
        for (ulong seed = ulong.Parse(first, CultureInfo.InvariantCulture), end = seed + (ulong)Number(count); seed < end && sum.PagesWrong == 0; seed++)
        {
            var history = new TrackingHistory(kind, seed, program, directory)
            {
                Mebibytes = more.Length > 0 ? Number(more[0]) : 8,
                SwitchedOff = more.Length > 1 && more[1] != "mixed" ? more[1] : seed % 2 == 0 ? "d" : "-",
                Operations = more.Length > 2 ? ulong.Parse(more[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture) : ulong.MaxValue,
            };
            sum += history.Run(Number(epochs));
        }

        break;
    default:
        return 2;
}

Console.WriteLine($"{args[0]} {kind} {string.Join(' ', args[Math.Min(args.Length, 4)..])}: {sum}");
Console.Write(sum.FirstWrong);
return sum.PagesWrong == 0 ? 0 : 1;

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
