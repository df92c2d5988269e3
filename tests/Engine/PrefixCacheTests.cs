using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Engine;
using D2Pruner.AI.Runtime.Prompts;
using Xunit;

namespace D2Pruner.AI.Tests.Engine;

[Collection(TorchCollection.Name)]
public sealed class PrefixCacheTests
{
    /// <summary>Graphs of further settings come in while a prompt uses the beginning.</summary>
    [Fact]
    public void WhatABeginningLearnsWhileItIsUsed_CountsToo()
    {
        using var cache = new PrefixCache(1000);
        long[] key = [.. Enumerable.Range(1, 10).Select(i => (long)i)];
        var memo = new PruningMemo();
        cache.Add(key, new PromptPrefix { Length = key.Length, Layers = 1, Cache = new KvCache(1, 1), Memos = [memo] });
        var empty = cache.Bytes;
        Use("a", 500);
        Assert.Equal(empty + 500, cache.Bytes);
        Use("b", 600);
        Assert.Equal((0, 0L), (cache.Count, cache.Bytes));

        void Use(string name, long bytes)
        {
            long[] longer = [.. key, 11, 12];
            var prompt = new EncodedPrompt { Text = "", TokenIds = longer, PositionIds = [longer], NextPosition = 12,
                Images = [], VisualPositions = [], Layouts = [] };
            using var lease = cache.Find(longer, prompt, 1, null);
            Assert.NotNull(lease);
            memo.GetOrAdd(name, () => name, _ => bytes);
        }
    }
}
