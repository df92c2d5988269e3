using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Native;

/// <summary>The few functions of libtorch's stable C interface that TorchSharp lacks. Each has a fallback at its caller.</summary>
internal static unsafe partial class NativeTorch
{
    private static bool _fromBlobMissing;

    /// <summary>A CPU tensor over memory that the caller keeps alive and nobody writes to; null
    /// where libtorch lacks the function.</summary>
    public static Tensor? TryFromBlob(nint data, long[] shape, ScalarType type)
    {
        if (_fromBlobMissing) return null;
        var strides = new long[shape.Length];
        long stride = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= shape[i];
        }

        try
        {
            nint handle;
            fixed (long* sizes = shape)
            fixed (long* steps = strides)
            {
                if (CreateFromBlob(data, shape.Length, sizes, steps, 0, (int)type, 0, 0, &handle) != 0) return null;
            }

            return Tensor.UnsafeCreateTensor(handle);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            _fromBlobMissing = true;
            return null;
        }
    }

    // int32 device type 0 is the CPU; scalar type numbers are those of c10, which TorchSharp shares.
    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_create_tensor_from_blob")]
    private static partial int CreateFromBlob(
        nint data, long dimensions, long* sizes, long* strides, long storageOffset, int dtype, int deviceType,
        int deviceIndex, nint* result);
}
