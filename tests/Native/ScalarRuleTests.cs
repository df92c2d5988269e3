using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Native;

/// <summary>The rule of the house, held over compiled code: every call into TorchSharp holds what it passes until it is over.</summary>
public sealed class ScalarRuleTests
{
    private static readonly PassingScalars Rule = new(typeof(torch).Assembly.Location);

    /// <summary>Libraries and programs of this repository that know TorchSharp.</summary>
    public static TheoryData<string> Libraries { get; } =
    [
        "D2Pruner.AI.Pruning", "D2Pruner.AI.Runtime", "D2Pruner.AI", "D2Pruner.AI.SemanticKernel", "D2Pruner.AI.DemoModel",
        .. Directory.GetFiles(AppContext.BaseDirectory, "*.dll").Where(KnowsTorch).Select(f => Path.GetFileNameWithoutExtension(f)!)
            .Except(["D2Pruner.AI.Pruning", "D2Pruner.AI.Runtime", "D2Pruner.AI", "D2Pruner.AI.SemanticKernel", "D2Pruner.AI.DemoModel"]),
    ];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Library_HoldsWhatLibtorchReads(string library)
    {
        var offences = Rule.Offences(Path.Combine(AppContext.BaseDirectory, library + ".dll"));
        Assert.True(offences.Count == 0, string.Join('\n', offences));
    }

    [Theory]
    [InlineData("square()")]
    [InlineData("op_Addition(TorchSharp.torch/Tensor,TorchSharp.torch/Tensor)")]
    [InlineData("add(TorchSharp.torch/Tensor)")]
    [InlineData("add_(TorchSharp.torch/Tensor)")]
    [InlineData("op_Division(System.Single,TorchSharp.torch/Tensor)")]
    public void HiddenMakers_AreFoundInTorchSharpsOwnIl(string method) =>
        Assert.Contains("TorchSharp.torch/Tensor TorchSharp.torch/Tensor::" + method, Rule.Makers.Keys);

    [Theory]
    [InlineData("op_Multiply(TorchSharp.torch/Tensor,TorchSharp.torch/Tensor)")]
    [InlineData("add(TorchSharp.torch/Tensor,TorchSharp.Scalar)")]
    [InlineData("mul(TorchSharp.Scalar)")]
    public void MethodsThatMakeNone_AreNotFound(string method) =>
        Assert.DoesNotContain("TorchSharp.torch/Tensor TorchSharp.torch/Tensor::" + method, Rule.Makers.Keys);

    /// <summary>The rule sees each form of breaking it, and none where it is kept.</summary>
    [Theory]
    [InlineData(nameof(Breaking.Adds), 1)]
    [InlineData(nameof(Breaking.Squares), 1)]
    [InlineData(nameof(Breaking.PassesOn), 1)]
    [InlineData(nameof(Breaking.DoesNotHold), 1)]
    [InlineData(nameof(Breaking.DropsAProduct), 1)]
    [InlineData(nameof(Breaking.Takes), 1)]
    [InlineData(nameof(Keeping.HoldsScalar), 0)]
    [InlineData(nameof(Keeping.HoldsProduct), 0)]
    [InlineData(nameof(Keeping.InScope), 0)]
    [InlineData(nameof(Keeping.Field), 0)]
    public void Rule_SeesWhatItShould(string method, int offences)
    {
        var found = Rule.Offences(typeof(ScalarRuleTests).Assembly.Location)
            .Where(o => o.Contains($"::{method}:", StringComparison.Ordinal)).ToArray();
        Assert.True(offences == found.Length, string.Join('\n', found));
    }

    private static bool KnowsTorch(string file)
    {
        if (!Path.GetFileName(file).StartsWith("D2Pruner", StringComparison.Ordinal)
            || Path.GetFileName(file).StartsWith("D2Pruner.AI.Tests", StringComparison.Ordinal)) return false;
        using var module = Mono.Cecil.ModuleDefinition.ReadModule(file);
        return module.AssemblyReferences.Any(r => r.Name == "TorchSharp");
    }

    // Never run; only their IL is looked at.
    private static class Breaking
    {
        public static Tensor Adds(Tensor a, Tensor b) => a + b;

        public static Tensor Squares(Tensor a) => a.square();

        public static Tensor PassesOn(Tensor a) => a.mul(2);

        public static Tensor DoesNotHold(Tensor a)
        {
            Scalar two = 2;
            return a.mul(two);
        }

        public static Tensor DropsAProduct(Tensor a) => (a * a).neg();

        public static Func<Tensor, Tensor> Takes(Tensor a) => a.add;
    }

    private static class Keeping
    {
        private static readonly Scalar Two = 2;

        public static Tensor HoldsScalar(Tensor a)
        {
            using Scalar two = 2;
            return a.mul(two);
        }

        public static Tensor HoldsProduct(Tensor a)
        {
            using var product = a * a;
            return product.neg();
        }

        public static Tensor InScope(Tensor a)
        {
            using var scope = NewDisposeScope();
            return (a * a).neg().MoveToOuterDisposeScope();
        }

        public static Tensor Field(Tensor a) => a.mul(Two);
    }
}
