using D2Pruner.AI.Conformance;

const string Usage = """
    Usage: ConformanceDump FOLDER OUT [--concurrent N] [--again]
    Computes what the fixture folder FOLDER asks (a model, selection, tokenizers or images folder) and writes it to OUT.
      --concurrent N  model folders: all cases at once through one engine, up to N sequences running together (1 to 256)
      --again         model folders: every case is asked twice with the prefix cache on; the second answers are written
    """;
var (concurrent, again, problem) = (1, false, "");
List<string> folders = [];
for (var i = 0; i < args.Length; i++)
{
    if (args[i] is "-h" or "--help")
    {
        Console.Error.WriteLine(Usage);
        return 0;
    }

    if (args[i] == "--again") again = true;
    else if (args[i] == "--concurrent" && i + 1 < args.Length && int.TryParse(args[i + 1], out concurrent) && concurrent is >= 1 and <= 256)
        i++;
    else if (args[i].StartsWith('-')) problem = $"'{args[i]}' is not understood, or its value is missing or out of range.";
    else folders.Add(args[i]);
}

if (problem.Length > 0 || folders.Count != 2)
{
    Console.Error.WriteLine(problem.Length > 0 ? problem : "Two folders are expected.");
    Console.Error.WriteLine(Usage);
    return 2;
}

try
{
    Dump.Run(folders[0], folders[1], Console.Error, concurrent, again);
    return 0;
}
catch (Exception e) when (e is ArgumentException or InvalidOperationException or IOException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
