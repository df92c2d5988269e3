using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>Weights of the decoder, in Hugging Face layout [out, in].</summary>
internal sealed class DecoderWeights
{
    private DecoderWeights(torch.Tensor embedding, DecoderLayerWeights[] layers, torch.Tensor norm, Linear head) =>
        (Embedding, Layers, FinalNorm, Head) = (embedding, layers, norm, head);

    /// <summary>[vocabulary, D].</summary>
    public torch.Tensor Embedding { get; }

    /// <summary>One entry per layer.</summary>
    public DecoderLayerWeights[] Layers { get; }

    /// <summary>[D].</summary>
    public torch.Tensor FinalNorm { get; }

    /// <summary>Hidden states to logits, [vocabulary, D]; over the embedding itself when tied.</summary>
    public Linear Head { get; }

    /// <summary>Takes the decoder's tensors from a source under the names of <paramref name="names"/>.</summary>
    public static DecoderWeights Take(ITensorSource source, DecoderConfig c, DecoderNames names)
    {
        var embedding = source.Take(names.Embedding, [c.VocabularySize, c.HiddenSize]);
        var layers = new DecoderLayerWeights[c.Layers];
        for (var i = 0; i < c.Layers; i++) layers[i] = DecoderLayerWeights.Take(source, c, names, i);
        var norm = source.Take(names.FinalNorm, [c.HiddenSize]);
        return new DecoderWeights(embedding, layers, norm, TakeHead(source, c, names.Head, embedding));
    }

    private static Linear TakeHead(ITensorSource source, DecoderConfig c, string name, torch.Tensor embedding)
    {
        var own = c.TieWordEmbeddings ? source.TakeOptional(name, [c.VocabularySize, c.HiddenSize])
            : source.Take(name, [c.VocabularySize, c.HiddenSize]);
        return LinearSource.TakeHead(source, own ?? embedding);
    }
}
