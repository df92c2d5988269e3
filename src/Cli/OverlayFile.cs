using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Overlays;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Cli;

/// <summary>Writes the picture of what pruning kept, with the answer's boxes.</summary>
internal static class OverlayFile
{
    /// <summary>Draws the first image of an answer.</summary>
    public static void Write(FileInfo target, ChatResponse response, DataContent image)
    {
        var prefill = ((GenerationResult)response.RawRepresentation!).Prefill;
        var picture = ImageDecoder.Decode(image.Data);
        PixelBox[] boxes = [.. response.GetGroundings().Where(g => g.ImageIndex == 0)
            .Select(g => new PixelBox(
                g.Box.Left * picture.Width, g.Box.Top * picture.Height, g.Box.Right * picture.Width, g.Box.Bottom * picture.Height))];
        AtomicFile.Write(target.FullName, PruningPanels.Render(picture, prefill.Images[0], prefill, boxes));
    }
}
