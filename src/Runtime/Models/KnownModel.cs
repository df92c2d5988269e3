namespace D2Pruner.AI.Runtime.Models;

/// <summary>A published checkpoint that this code loads.</summary>
/// <param name="Id">Its id on the Hugging Face Hub.</param>
/// <param name="Family"><c>model_type</c> of its config.json.</param>
/// <param name="Licence">Its licence, by the publisher's page.</param>
/// <param name="Parameters">Elements of all tensors.</param>
/// <param name="Layers">Decoder layers.</param>
/// <param name="KvHeads">Key and value heads of a decoder layer.</param>
/// <param name="HeadDim">Size of a head.</param>
/// <param name="ImageTokens">Visual tokens of an image of 640x480 pixels.</param>
/// <param name="GoodAt">What it is good at, by its publisher.</param>
public sealed record KnownModel(
    string Id, string Family, string Licence, long Parameters, int Layers, int KvHeads, int HeadDim, int ImageTokens, string GoodAt)
{
    /// <summary>Bytes of the weights in 16 bit, which is also what is downloaded.</summary>
    public long WeightBytes => Parameters * 2;

    /// <summary>Bytes of keys and values of one token over all layers, in 16 bit.</summary>
    public long KvBytesPerToken => 2L * Layers * KvHeads * HeadDim * 2;

    /// <summary>How it was verified.</summary>
    public string Verified => KnownModels.VerifiedByPlan;
}
