namespace D2Pruner.AI.Runtime;

/// <summary>What a request takes over from earlier ones with the same beginning.</summary>
public enum PrefixReuse
{
    /// <summary>Only what does not depend on the question: the answer is the one that a fresh run gives.</summary>
    Exact,

    /// <summary>
    /// Everything of an answered turn, with the visual tokens that were chosen for its question: a further question costs only its own
    /// tokens, and sees of earlier images what the earlier question needed.
    /// </summary>
    Frozen,

    /// <summary>Nothing.</summary>
    Off,

    /// <summary>
    /// An experiment (docs/log.md has its verdict): as <see cref="Frozen"/>, but the further question chooses anew, and what it adds is run
    /// through the later layers at its own positions beside what is there. What it kept is not kept for a third question.
    /// </summary>
    Grow,
}
