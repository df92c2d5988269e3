using D2Pruner.AI.Conformance;

if (args.Length != 2 || args[0] is "-h" or "--help")
{
    Console.Error.WriteLine("Usage: ConformanceDump FOLDER OUT");
    Console.Error.WriteLine("Computes what the fixture folder FOLDER asks (a model, selection, tokenizers or images folder) and writes it to OUT.");
    return args.Length == 1 ? 0 : 2;
}

try
{
    Dump.Run(args[0], args[1], Console.Error);
    return 0;
}
catch (Exception e) when (e is ArgumentException or InvalidOperationException or IOException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
