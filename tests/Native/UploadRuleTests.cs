using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Layers;
using Mono.Cecil;
using Mono.Cecil.Cil;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Native;

/// <summary>The rule of the house, held over compiled code: arrays become tensors on the host and are brought to a device afterwards
/// (<see cref="HostTensors"/>).</summary>
public sealed class UploadRuleTests
{
    [Theory]
    [MemberData(nameof(ScalarRuleTests.Libraries), MemberType = typeof(ScalarRuleTests))]
    public void Library_MakesTensorsOfArraysOnTheHost(string library)
    {
        var offences = Offences(Path.Combine(AppContext.BaseDirectory, library + ".dll"));
        Assert.True(offences.Count == 0, string.Join('\n', offences));
    }

    /// <summary>The rule sees each way to break it, and none where it is kept.</summary>
    [Theory]
    [InlineData(nameof(Breaking.NamesADevice), 1)]
    [InlineData(nameof(Breaking.GivesShapeAndType), 1)]
    [InlineData(nameof(Keeping.Moves), 0)]
    [InlineData(nameof(Keeping.GivesShapeAndType), 0)]
    public void Rule_SeesWhatItShould(string method, int offences)
    {
        var name = $"{typeof(UploadRuleTests).FullName}/{(offences == 0 ? nameof(Keeping) : nameof(Breaking))}::{method}";
        Assert.Equal(offences, Offences(typeof(UploadRuleTests).Assembly.Location).Count(o => o == name));
    }

    private static List<string> Offences(string library)
    {
        using var module = ModuleDefinition.ReadModule(library);
        var found = new List<string>();
        foreach (var method in module.GetTypes().SelectMany(t => t.Methods).Where(m => m.HasBody))
        {
            found.AddRange(method.Body.Instructions.Where(Uploads).Select(_ => $"{method.DeclaringType.FullName}::{method.Name}"));
        }

        return found;
    }

    // Behind the device stand constants, an instruction each.
    private static bool Uploads(Instruction call)
    {
        if (call.Operand is not MethodReference { Name: "tensor", DeclaringType.FullName: "TorchSharp.torch" } method
            || method.Parameters[0].ParameterType.IsPrimitive) return false;
        var at = method.Parameters.Select(p => p.ParameterType.FullName).ToList().IndexOf("TorchSharp.torch/Device");
        var device = call.Previous;
        for (var behind = method.Parameters.Count - 1 - at; behind > 0; behind--) device = device.Previous;
        return at >= 0 && device.OpCode.Code != Code.Ldnull;
    }

    // Never run; only their IL is looked at.
    private static class Breaking
    {
        public static torch.Tensor NamesADevice(long[] values, torch.Device device) => torch.tensor(values, device: device);

        public static torch.Tensor GivesShapeAndType(float[] values, torch.Device device) =>
            torch.tensor(values, [1, values.Length], torch.ScalarType.BFloat16, device);
    }

    private static class Keeping
    {
        public static torch.Tensor Moves(long[] values, torch.Device device) => torch.tensor(values).MovedTo(device);

        public static torch.Tensor GivesShapeAndType(float[] values) => torch.tensor(values, [1, values.Length], torch.ScalarType.BFloat16);
    }
}
