using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Overlays;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Cli;

/// <summary>Writes the image of what pruning kept, with the answer's boxes.</summary>
internal static class OverlayFile
{
    /// <summary>Draws the first image of an answer.</summary>
    public static void Write(FileInfo target, ChatResponse response, DataContent content)
    {
        var prefill = ((GenerationResult)response.RawRepresentation!).Prefill;
        var image = ImageDecoder.Decode(content.Data);
        PixelBox[] boxes = [.. response.GetGroundings().Where(g => g.ImageIndex == 0)
            .Select(g => new PixelBox(
                g.Box.Left * image.Width, g.Box.Top * image.Height, g.Box.Right * image.Width, g.Box.Bottom * image.Height))];
        AtomicFile.Write(target.FullName, PruningPanels.Render(image, prefill.Images[0], prefill, boxes));
    }
}
