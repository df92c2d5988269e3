using D2Pruner.AI.Server;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Puts an application's other endpoints behind the server's own rule of who may call.</summary>
public static class D2PrunerServerEndpointConventionBuilderExtensions
{
    /// <summary>Lets only those call who may call the model's endpoints: holders of a key, or this machine where there are no keys. Needs
    /// <c>AddD2PrunerServer(...)</c>.</summary>
    /// <param name="builder">The endpoints.</param>
    /// <returns>The same.</returns>
    public static TBuilder RequireD2PrunerAccess<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
        {
            var serve = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context =>
                context.RequestServices.GetRequiredService<AccessPolicy>().Check(context, out _) is { } refused
                ? ErrorResponse.WriteAsync(context.Response, refused)
                : serve(context);
        });
        return builder;
    }
}
