using D2Pruner.AI.Runtime.Checkpoints;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>Weights of the decoder, in Hugging Face layout [out, in].</summary>
public sealed class DecoderWeights
{
    private DecoderWeights(torch.Tensor embedding, DecoderLayerWeights[] layers, torch.Tensor norm, torch.Tensor head) =>
        (Embedding, Layers, FinalNorm, Head) = (embedding, layers, norm, head);

    /// <summary>[vocabulary, D].</summary>
    public torch.Tensor Embedding { get; }

    /// <summary>One entry per layer.</summary>
    public DecoderLayerWeights[] Layers { get; }

    /// <summary>[D].</summary>
    public torch.Tensor FinalNorm { get; }

    /// <summary>[vocabulary, D]; the embedding itself when tied.</summary>
    public torch.Tensor Head { get; }

    /// <summary>Takes the decoder's tensors from a source under the names of <paramref name="names"/>.</summary>
    public static DecoderWeights Take(ITensorSource source, DecoderConfig c, DecoderNames names)
    {
        var embedding = source.Take(names.Embedding, [c.VocabularySize, c.HiddenSize]);
        var layers = new DecoderLayerWeights[c.Layers];
        for (var i = 0; i < c.Layers; i++) layers[i] = DecoderLayerWeights.Take(source, c, names, i);
        var norm = source.Take(names.FinalNorm, [c.HiddenSize]);
        var head = c.TieWordEmbeddings
            ? source.TakeOptional(names.Head, [c.VocabularySize, c.HiddenSize]) ?? embedding
            : source.Take(names.Head, [c.VocabularySize, c.HiddenSize]);
        return new DecoderWeights(embedding, layers, norm, head);
    }
}
