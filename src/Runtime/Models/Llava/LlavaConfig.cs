using D2Pruner.AI.Runtime.Decoder;

namespace D2Pruner.AI.Runtime.Models.Llava;

/// <summary>Configuration shared by LLaVA-1.5 and LLaVA-NeXT (transformers' LlavaConfig and LlavaNextConfig).</summary>
internal sealed record LlavaConfig
{
    /// <summary>The decoder.</summary>
    public required DecoderConfig Text { get; init; }

    /// <summary>The tower.</summary>
    public required ClipVisionConfig Vision { get; init; }

    /// <summary>Id of the image placeholder.</summary>
    public required int ImageTokenId { get; init; }

    /// <summary>Hidden states of the tower that are concatenated on the feature axis.</summary>
    public required int[] FeatureLayers { get; init; }

    /// <summary>Drop the CLS token (<c>default</c>) or keep it (<c>full</c>).</summary>
    public required bool DropCls { get; init; }

    /// <summary>Projector activation.</summary>
    public required string ProjectorActivation { get; init; }

    /// <summary>Projector biases.</summary>
    public required bool ProjectorBias { get; init; }

    /// <summary>Width of the projector's input.</summary>
    public int ProjectorInput => Vision.HiddenSize * FeatureLayers.Length;

    /// <summary>Reads config.json.</summary>
    public static LlavaConfig Read(ConfigReader c)
    {
        var inner = c.RequiredChild("text_config");
        // Writers say it in either place; a head in the file counts in any case.
        var text = TextConfig.Read(inner, "llama", c.Bool("tie_word_embeddings", false) | inner.Bool("tie_word_embeddings", false));
        var vision = ClipVisionConfig.Read(c.RequiredChild("vision_config"));
        var layers = c.Ints("vision_feature_layer", [-2]);
        c.Require(layers.All(l => l >= -vision.Layers - 1 && l <= vision.Layers),
            $"vision_feature_layer [{string.Join(", ", layers)}] reaches beyond the tower's {vision.Layers} layers.");
        var image = c.Int("image_token_index", c.Int("image_token_id", 32000, 0), 0);
        c.Require(image < text.VocabularySize, $"image_token_index {image} is outside the vocabulary of {text.VocabularySize}.");
        return new LlavaConfig
        {
            Text = text,
            Vision = vision,
            ImageTokenId = image,
            FeatureLayers = layers,
            DropCls = c.OneOf("vision_feature_select_strategy", "default", "default", "full") == "default",
            ProjectorActivation = c.OneOf("projector_hidden_act", "gelu", "gelu", "silu", "relu"),
            ProjectorBias = c.Bool("multimodal_projector_bias", true),
        };
    }
}
