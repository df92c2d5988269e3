namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>One sequence's part of a decode step.</summary>
/// <param name="Cache">Its keys and values; grow by one token in every layer.</param>
/// <param name="TokenId">The token to feed.</param>
/// <param name="Position">The token's position id, equal in all rows: a counter, never a cache length.</param>
/// <param name="Logits">Receives the fp32 logits, [vocabulary].</param>
internal readonly record struct DecodeRow(KvCache Cache, int TokenId, long Position, float[] Logits);
