using Microsoft.AspNetCore.Http;

namespace D2Pruner.AI.Server;

/// <summary>What every endpoint under <c>/v1</c> passes first.</summary>
internal sealed class Doors(AccessPolicy access, CrossOrigin origins, ServerMetrics metrics)
{
    /// <summary>Lets a request in.</summary>
    /// <param name="context">The request.</param>
    /// <param name="handle">What is done with it, given its key's number.</param>
    public async Task OpenAsync(HttpContext context, Func<int, Task> handle)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.CacheControl = "no-store";
        origins.Apply(context);
        if (HttpMethods.IsOptions(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        if (access.Check(context, out var key) is { } refused)
        {
            metrics.Ended("", refused.Outcome);
            await ErrorResponse.WriteAsync(context.Response, refused).ConfigureAwait(false);
            return;
        }

        await handle(key).ConfigureAwait(false);
    }
}
