using D2Pruner.AI.DemoModel.World;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>Square windows of the patch grid.</summary>
internal static class Windows
{
    /// <summary>Copies a window's pixels, RGB row-major.</summary>
    public static void Crop(SceneImage image, int row, int column, int grid, byte[] rgb)
    {
        var side = grid * PatchLabels.Patch;
        for (var y = 0; y < side; y++)
        {
            var from = 3 * ((row * PatchLabels.Patch + y) * Scene.Side + column * PatchLabels.Patch);
            Array.Copy(image.Pixels, from, rgb, 3 * y * side, 3 * side);
        }
    }

    /// <summary>Rows of the position table: CLS, then the window's patches of the full raster.</summary>
    public static long[] Positions(int row, int column, int grid)
    {
        var places = new long[grid * grid + 1];
        for (var i = 0; i < grid * grid; i++) places[i + 1] = 1 + (row + i / grid) * PatchLabels.GridSide + column + i % grid;
        return places;
    }
}
