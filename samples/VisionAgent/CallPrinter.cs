using Microsoft.SemanticKernel;

namespace D2Pruner.AI.Samples.VisionAgent;

/// <summary>Shows each call and its result; of a failure, which the chat model only learns as such, the reason.</summary>
internal sealed class CallPrinter : IFunctionInvocationFilter
{
    /// <summary>Calls that threw.</summary>
    public int Failures { get; private set; }

    public async Task OnFunctionInvocationAsync(FunctionInvocationContext context, Func<FunctionInvocationContext, Task> next)
    {
        Console.WriteLine($"  -> {context.Function.PluginName}_{context.Function.Name}({string.Join(", ", context.Arguments.Select(a => $"{a.Key}: {a.Value}"))})");
        try
        {
            await next(context);
        }
        catch (Exception e)
        {
            Failures++;
            Console.WriteLine($"  !! {e.Message}");
            throw;
        }

        Console.WriteLine($"  <- {Terminal.Safe(context.Result.ToString())}");
    }
}
