using D2Pruner.AI.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Puts an application's other endpoints behind the server's own rule of who may call.</summary>
public static class D2PrunerServerEndpointConventionBuilderExtensions
{
    /// <summary>Lets only those call who may call the model's endpoints: holders of a key, or this machine where there are no keys. What is
    /// posted counts for the key's limit. Needs <c>AddD2PrunerServer(...)</c>.</summary>
    /// <param name="builder">The endpoints.</param>
    /// <returns>The same.</returns>
    public static TBuilder RequireD2PrunerAccess<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        return builder.Behind(static (context, serve) =>
            context.RequestServices.GetRequiredService<AccessPolicy>().Check(context, out var key) is { } refused
            ? ErrorResponse.WriteAsync(context.Response, refused)
            : ServeAsync(context, serve, key));
    }

    /// <summary>Lets requests in as to the model's endpoints: with their keys, with the key's limit for what is posted, and with the
    /// headers for pages of allowed origins.</summary>
    internal static TBuilder RequireD2PrunerDoors<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        return builder.Behind(static (context, serve) =>
            context.RequestServices.GetRequiredService<Doors>().OpenAsync(context, key => ServeAsync(context, serve, key)));
    }

    private static TBuilder Behind<TBuilder>(this TBuilder builder, Func<HttpContext, RequestDelegate, Task> door)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
        {
            var serve = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => door(context, serve);
        });
        return builder;
    }

    private static Task ServeAsync(HttpContext context, RequestDelegate serve, int key)
    {
        var services = context.RequestServices;
        if (!HttpMethods.IsPost(context.Request.Method) || services.GetRequiredService<KeyLimits>().Take(key) is not { } limited)
            return serve(context);
        services.GetRequiredService<ServerMetrics>().Ended("", limited.Outcome);
        return ErrorResponse.WriteAsync(context.Response, limited);
    }
}
