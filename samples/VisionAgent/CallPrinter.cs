using Microsoft.SemanticKernel;

namespace D2Pruner.AI.Samples.VisionAgent;

/// <summary>Shows each call and its result.</summary>
internal sealed class CallPrinter : IFunctionInvocationFilter
{
    public async Task OnFunctionInvocationAsync(FunctionInvocationContext context, Func<FunctionInvocationContext, Task> next)
    {
        Console.WriteLine($"  -> {context.Function.PluginName}_{context.Function.Name}({string.Join(", ", context.Arguments.Select(a => $"{a.Key}: {a.Value}"))})");
        await next(context);
        Console.WriteLine($"  <- {Terminal.Safe(context.Result.ToString())}");
    }
}
