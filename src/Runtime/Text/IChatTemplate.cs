namespace D2Pruner.AI.Runtime.Text;

/// <summary>Renders turns to the prompt text of a model family.</summary>
public interface IChatTemplate
{
    /// <summary>Short name, e.g. <c>llava-1.5</c>.</summary>
    string Name { get; }

    /// <summary>Text that stands for one picture in the rendered prompt.</summary>
    string ImagePlaceholder { get; }

    /// <summary>Renders a conversation, one placeholder per picture, ready for the assistant's answer.</summary>
    string Render(IReadOnlyList<ChatTurn> turns);
}
