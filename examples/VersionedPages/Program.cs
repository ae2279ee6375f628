Snap.Examples.VersionedPages.Run(args.Length > 0 ? args[0] : "fruit-store", Console.Out);
