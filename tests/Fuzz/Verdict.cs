using System.Diagnostics;
using System.Reflection;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Fuzz;

/// <summary>Whether an exception is one that the documentation promises.</summary>
internal static class Verdict
{
    /// <summary>
    /// True for exceptions with a kind other than Internal. The framework's own types count only where this library threw them: an
    /// <see cref="ArgumentException"/> from the depths of the framework says nothing to a caller.
    /// </summary>
    public static bool IsTyped(Exception e)
    {
        if (e is IVisionError error) return error.Kind != VisionErrorKind.Internal;
        if (e is not (ArgumentException or NotSupportedException)) return false;
        return new StackTrace(e).GetFrames().Select(f => f.GetMethod()).OfType<MethodBase>()
            .FirstOrDefault(m => !IsThrower(m)) is { DeclaringType.Assembly: var assembly }
            && assembly.GetName().Name?.StartsWith("D2Pruner.AI", StringComparison.Ordinal) == true;
    }

    private static bool IsThrower(MethodBase method) => method.IsStatic && method.Name.StartsWith("Throw", StringComparison.Ordinal);
}
