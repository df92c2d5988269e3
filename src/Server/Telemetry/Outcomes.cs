namespace D2Pruner.AI.Server;

/// <summary>Values of the label <c>outcome</c>.</summary>
internal static class Outcomes
{
    public const string Ok = "ok";
    public const string Length = "length";
    public const string Invalid = "invalid";
    public const string Unauthorized = "unauthorized";
    public const string TooLarge = "too_large";
    public const string Busy = "busy";
    public const string Unavailable = "unavailable";
    public const string Cancelled = "cancelled";
    public const string Failed = "failed";
}
