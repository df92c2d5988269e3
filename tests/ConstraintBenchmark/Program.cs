using D2Pruner.AI.ConstraintBenchmark;

switch (args)
{
    case ["mask", var tokenizer]:
        MaskBenchmark.Run(tokenizer);
        return 0;
    case ["decode", var model, .. var rest]:
        await DecodeBenchmark.RunAsync(
            model, rest is [var tokens] ? int.Parse(tokens, System.Globalization.CultureInfo.InvariantCulture) : 200);
        return 0;
    case ["widen", var model, var tokenizer, var target]:
        WideModel.Write(model, tokenizer, target);
        return 0;
    default:
        Console.Error.WriteLine("mask TOKENIZER_FOLDER | decode MODEL_FOLDER [TOKENS] | widen MODEL_FOLDER TOKENIZER_FOLDER TARGET_FOLDER");
        return 2;
}
