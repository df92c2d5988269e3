using Mono.Cecil;
using Mono.Cecil.Cil;

namespace D2Pruner.AI.Tests.Native;

/// <summary>
/// Finds in a library's IL what the garbage collector may finalize while libtorch still reads it: a TorchSharp <c>Scalar</c> or an
/// operator's tensor that nothing holds until the native call is over. Which TorchSharp methods make a Scalar in passing is read from
/// TorchSharp's own IL, directly and through the methods that they call, so that hidden ones (<c>square</c>, <c>a + b</c>) count.
/// </summary>
internal sealed class PassingScalars
{
    private const string Scalar = "TorchSharp.Scalar";
    private const string Tensor = "TorchSharp.torch/Tensor";
    private readonly Dictionary<string, string> _makers = new(StringComparer.Ordinal);

    /// <param name="torchSharp">TorchSharp.dll.</param>
    public PassingScalars(string torchSharp)
    {
        using var module = ModuleDefinition.ReadModule(torchSharp);
        var methods = Methods(module).ToList();
        var callers = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var method in methods.Where(m => m.DeclaringType.FullName != Scalar && m.ReturnType.FullName != Scalar))
        {
            foreach (var i in method.Body.Instructions)
            {
                if (Called(i) is not { } name) continue;
                if (MakesScalar(i) && !IsHeld(i, method)) _makers.TryAdd(method.FullName, name);
                if (!callers.TryGetValue(name, out var list)) callers[name] = list = [];
                list.Add(method.FullName);
            }
        }

        for (var pending = new Queue<string>(_makers.Keys); pending.TryDequeue(out var maker);)
        {
            foreach (var caller in callers.GetValueOrDefault(maker) ?? [])
            {
                if (_makers.TryAdd(caller, maker)) pending.Enqueue(caller);
            }
        }
    }

    /// <summary>TorchSharp's methods that make a Scalar in passing, by full name, with the call that does.</summary>
    public IReadOnlyDictionary<string, string> Makers => _makers;

    /// <summary>What a library does against the rule, one line each.</summary>
    public IReadOnlyList<string> Offences(string library)
    {
        using var module = ModuleDefinition.ReadModule(library);
        var found = new List<string>();
        foreach (var method in Methods(module))
        {
            var scoped = OpensScope(method) || (Enclosing(method) is { } outer && OpensScope(outer));
            foreach (var i in method.Body.Instructions)
            {
                if (Called(i) is not { } name) continue;
                var where = $"{method.DeclaringType.FullName}::{method.Name}: ";
                if (_makers.TryGetValue(name, out var inner)) found.Add($"{where}{name} makes a Scalar in passing ({inner})");
                else if (MakesScalar(i) && method.ReturnType.FullName != Scalar && !IsHeld(i, method))
                    found.Add($"{where}a Scalar is passed on that nothing holds");
                else if (!scoped && IsOperator(i) && !IsHeld(i, method))
                    found.Add($"{where}the result of {name} is dropped outside a dispose scope");
            }
        }

        return found;
    }

    private static bool OpensScope(MethodDefinition method) =>
        method.Body.Instructions.Any(i => Called(i)?.Contains("::NewDisposeScope(", StringComparison.Ordinal) == true);

    // Of a local function or lambda, <Outer>g__Inner|0_0, the method that it stands in.
    private static MethodDefinition? Enclosing(MethodDefinition method)
    {
        if (!method.Name.StartsWith('<') || method.Name.IndexOf('>') is not (> 1 and var end)) return null;
        var type = method.DeclaringType;
        while (type.Name.StartsWith('<') && type.DeclaringType is not null) type = type.DeclaringType;
        return type.Methods.FirstOrDefault(m => m.Name == method.Name[1..end] && m.HasBody && OpensScope(m));
    }

    private static IEnumerable<MethodDefinition> Methods(ModuleDefinition module) =>
        module.GetTypes().SelectMany(t => t.Methods).Where(m => m.HasBody);

    private static string? Called(Instruction i) =>
        i is { OpCode.Code: Code.Call or Code.Callvirt or Code.Newobj or Code.Ldftn, Operand: MethodReference m }
        ? (m is GenericInstanceMethod g ? g.ElementMethod : m).FullName
        : null;

    private static bool MakesScalar(Instruction i) =>
        i is { OpCode.Code: Code.Call or Code.Callvirt or Code.Newobj, Operand: MethodReference m }
        && (m.ReturnType.FullName == Scalar || (m.Name == ".ctor" && m.DeclaringType.FullName == Scalar));

    private static bool IsOperator(Instruction i) => i.Operand is MethodReference m && m.DeclaringType.FullName == Tensor
        && m.ReturnType.FullName == Tensor
        && m.Name.StartsWith("op_", StringComparison.Ordinal);

    // Returned, in a field, or in a local that is disposed (or kept alive, or handed out) afterwards.
    private static bool IsHeld(Instruction made, MethodDefinition method)
    {
        var next = made.Next;
        while (next?.OpCode.Code == Code.Nop) next = next.Next;
        if (next is null) return false;
        if (next.OpCode.Code is Code.Stfld or Code.Stsfld or Code.Ret) return true;
        return Stored(next) is { } slot && method.Body.Instructions.Any(i => Loaded(i) == slot && i.Next is { } use
            && (use.OpCode.Code is Code.Ret or Code.Stfld || use.Operand is MethodReference { Name: "Dispose" or "KeepAlive" }));
    }

    private static int? Stored(Instruction i) => i.OpCode.Code switch
    {
        Code.Stloc_0 => 0,
        Code.Stloc_1 => 1,
        Code.Stloc_2 => 2,
        Code.Stloc_3 => 3,
        Code.Stloc_S or Code.Stloc => ((VariableDefinition)i.Operand).Index,
        _ => null,
    };

    private static int? Loaded(Instruction i) => i.OpCode.Code switch
    {
        Code.Ldloc_0 => 0,
        Code.Ldloc_1 => 1,
        Code.Ldloc_2 => 2,
        Code.Ldloc_3 => 3,
        Code.Ldloc_S or Code.Ldloc => ((VariableDefinition)i.Operand).Index,
        _ => null,
    };
}
