namespace D2Pruner.AI;

/// <summary>Which setting of a request an exception is about: a key of <see cref="D2PrunerKeys"/>, a property of ChatOptions, or the
/// messages. It travels in <see cref="Exception.Data"/>, for the types are the framework's; the server names its field for it.</summary>
internal static class RequestField
{
    public const string Messages = "messages";
    private const string Key = D2PrunerKeys.Prefix + "field";

    /// <summary>The setting; null where none is named.</summary>
    public static string? Of(Exception exception) => exception.Data[Key] as string;

    /// <summary>Names the setting; what was named nearer to the cause stays.</summary>
    public static TException Mark<TException>(TException exception, string field) where TException : Exception
    {
        if (Of(exception) is null) exception.Data[Key] = field;
        return exception;
    }

    /// <summary>Takes a step that is about one setting.</summary>
    public static T In<T>(string field, Func<T> step)
    {
        try
        {
            return step();
        }
        catch (Exception e)
        {
            Mark(e, field);
            throw;
        }
    }

    /// <summary>Takes a step that is about one setting.</summary>
    public static async ValueTask<T> InAsync<T>(string field, ValueTask<T> step)
    {
        try
        {
            return await step.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Mark(e, field);
            throw;
        }
    }
}
