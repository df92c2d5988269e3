using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace D2Pruner.AI.Tests.Rooms;

/// <summary>
/// Which room of an assembly (the first folder below its project) uses which others, read from the compiled types: signatures, fields, base
/// types and every token in the methods' bodies. A type's room is the folder of the source file that the debug
/// symbols name, so that namespaces are free.
/// </summary>
internal sealed class RoomMap
{
    private static readonly Guid TypeDocuments = new("932E74BC-DBA9-4478-8D46-0F32A7BAB3D3");
    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(c => c.Value);

    private readonly Assembly _assembly;
    private readonly Dictionary<int, string> _rooms = []; // metadata token of an outermost type -> room

    public RoomMap(Assembly assembly, string project)
    {
        _assembly = assembly;
        using var pdb = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(assembly.Location, ".pdb")));
        ReadRooms(pdb.GetMetadataReader(), "/" + project + "/");
        foreach (var type in assembly.GetTypes())
        {
            if (RoomOf(type) is { } room) Scan(type, room);
        }
    }

    /// <summary>Room, the room it uses, and one example of the use each.</summary>
    public SortedDictionary<(string From, string To), string> Uses { get; } = [];

    public IReadOnlyList<string> Rooms => [.. _rooms.Values.Distinct().Order(StringComparer.Ordinal)];

    /// <summary>The rooms so that each uses only earlier ones; null where a cycle forbids it.</summary>
    public IReadOnlyList<string>? Order()
    {
        var order = new List<string>();
        while (order.Count < Rooms.Count)
        {
            var next = Rooms.FirstOrDefault(r => !order.Contains(r) && Uses.Keys.All(u => u.From != r || order.Contains(u.To)));
            if (next is null) return null;
            order.Add(next);
        }

        return order;
    }

    private void ReadRooms(MetadataReader pdb, string project)
    {
        string? Room(DocumentHandle handle)
        {
            if (handle.IsNil) return null;
            var path = pdb.GetString(pdb.GetDocument(handle).Name).Replace('\\', '/');
            var at = path.IndexOf(project, StringComparison.Ordinal);
            if (at < 0) return null;
            var inside = path[(at + project.Length)..].Split('/');
            return inside.Length > 1 && inside[0] != "obj" ? inside[0] : null;
        }

        foreach (var type in _assembly.GetTypes().Where(t => !t.IsNested))
        {
            var members = type.GetMethods(Everything).Cast<MethodBase>().Concat(type.GetConstructors(Everything));
            var room = members.Select(
                m => Room(pdb.GetMethodDebugInformation(MetadataTokens.MethodDebugInformationHandle(m.MetadataToken & 0xFFFFFF)).Document))
                .OfType<string>().FirstOrDefault()
                ?? pdb.GetCustomDebugInformation(MetadataTokens.TypeDefinitionHandle(type.MetadataToken & 0xFFFFFF))
                .Select(pdb.GetCustomDebugInformation)
                    .Where(c => pdb.GetGuid(c.Kind) == TypeDocuments)
                    .Select(c => Room(MetadataTokens.DocumentHandle(pdb.GetBlobReader(c.Value).ReadCompressedInteger()))).OfType<string>()
                    .FirstOrDefault();
            if (room is not null) _rooms[type.MetadataToken] = room;
        }
    }

    private string? RoomOf(Type? type)
    {
        while (type is { HasElementType: true }) type = type.GetElementType();
        while (type is { IsNested: true }) type = type.DeclaringType;
        if (type is null || type.IsGenericParameter || type.Assembly != _assembly) return null;
        return _rooms.GetValueOrDefault((type.IsGenericType ? type.GetGenericTypeDefinition() : type).MetadataToken);
    }

    private void Scan(Type type, string room)
    {
        void Use(Type? used, string where)
        {
            if (used is null) return;
            if (used.IsGenericType) foreach (var argument in used.GetGenericArguments()) Use(argument, where);
            if (RoomOf(used) is { } to && to != room) Uses.TryAdd((room, to), $"{where} uses {used.Name}");
        }

        Use(type.BaseType, type.Name);
        foreach (var i in type.GetInterfaces()) Use(i, type.Name);
        foreach (var f in type.GetFields(Everything)) Use(f.FieldType, $"{type.Name}.{f.Name}");
        foreach (var m in type.GetMethods(Everything).Cast<MethodBase>().Concat(type.GetConstructors(Everything)))
        {
            var where = $"{type.Name}.{m.Name}";
            if (m is MethodInfo { ReturnType: var returned }) Use(returned, where);
            foreach (var p in m.GetParameters()) Use(p.ParameterType, where);
            if (m.GetMethodBody() is not { } body) continue;
            foreach (var local in body.LocalVariables) Use(local.LocalType, where);
            foreach (var member in Members(m, body.GetILAsByteArray()!))
            {
                Use(member as Type ?? member.DeclaringType, where);
                if (member is MethodInfo { IsGenericMethod: true } generic)
                    foreach (var argument in generic.GetGenericArguments()) Use(argument, where);
            }
        }
    }

    private static IEnumerable<MemberInfo> Members(MethodBase method, byte[] il)
    {
        var (types, methods) = (method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments()
            : null, method.IsGenericMethod ? method.GetGenericArguments() : null);
        for (var at = 0; at < il.Length;)
        {
            short value = il[at++];
            if (value == 0xFE) value = (short)(0xFE00 | il[at++]);
            var code = Codes[value];
            if (code.OperandType is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType)
                yield return method.Module.ResolveMember(BitConverter.ToInt32(il, at), types, methods)!;
            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(il, at),
                _ => 4,
            };
        }
    }

    private const BindingFlags Everything =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
}
