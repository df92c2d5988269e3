namespace D2Pruner.AI.Pruning;

/// <summary>Debiased importance: A_rel = A_ori / (A_bias + 1e-7) (arXiv 2512.19443, relative attention).</summary>
public static class RelativeAttention
{
    /// <summary>Keeps the division finite where the prior is 0.</summary>
    public const float Epsilon = 1e-7f;

    /// <summary>Computes A_rel in fp32. Only its order matters to the selection.</summary>
    /// <param name="attention">A_ori, [V], raw softmax values of the last prompt token's row.</param>
    /// <param name="prior">A_bias in layout order, [V], not negative; null is the uniform prior, for which A_rel = A_ori.</param>
    /// <returns>A_rel, [V].</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    /// <exception cref="NotFiniteNumberException">A result is not finite.</exception>
    public static float[] Compute(ReadOnlySpan<float> attention, float[]? prior)
    {
        if (prior is not null && prior.Length != attention.Length)
            throw new ArgumentException(
                $"The prior has {prior.Length} values for {attention.Length} attention values; resize it to the " +
                "layout first.", nameof(prior));
        var scores = attention.ToArray();
        for (var i = 0; i < scores.Length; i++)
        {
            if (prior is not null) scores[i] /= prior[i] + Epsilon;
            if (!float.IsFinite(scores[i]))
                throw new NotFiniteNumberException(
                    $"The attention score of visual token {i} is {scores[i]}: the attention row or the prior holds a value that is " +
                    "not finite (overflow in half precision?); load the model in BFloat16 or Float32.");
        }
        return scores;
    }
}
