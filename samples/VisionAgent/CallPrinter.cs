using Microsoft.SemanticKernel;

namespace D2Pruner.AI.Samples.VisionAgent;

/// <summary>Shows each call and its result.</summary>
internal sealed class CallPrinter : IFunctionInvocationFilter
{
    public async Task OnFunctionInvocationAsync(FunctionInvocationContext context, Func<FunctionInvocationContext, Task> next)
    {
        var arguments = Safe(string.Join(", ", context.Arguments.Select(a => $"{a.Key}: {a.Value}")));
        Console.WriteLine($"  -> {context.Function.PluginName}_{context.Function.Name}({arguments})");
        await next(context);
        Console.WriteLine($"  <- {Safe(context.Result.ToString())}");
    }

    /// <summary>What a model wrote, safe to print: control characters, which could change the terminal's state, as dots.</summary>
    public static string Safe(string text) => string.Concat(text.Select(c => char.IsControl(c) && c != '\n' ? '.' : c));
}
