-- What Orleans' relational clustering asks of PostgreSQL, for tests: plain statements under the keys that it looks up.
-- A real cluster takes the scripts that Orleans publishes for its version.
CREATE TABLE OrleansQuery (QueryKey varchar(64) PRIMARY KEY, QueryText text NOT NULL);
CREATE TABLE Cluster (DeploymentId varchar(150) PRIMARY KEY, Version integer NOT NULL DEFAULT 0);
CREATE TABLE Silo (
    DeploymentId varchar(150) NOT NULL REFERENCES Cluster, Address varchar(45) NOT NULL, Port integer NOT NULL, Generation integer NOT NULL,
    SiloName varchar(150) NOT NULL, HostName varchar(150) NOT NULL, Status integer NOT NULL, ProxyPort integer, SuspectTimes text,
    StartTime timestamptz NOT NULL, IAmAliveTime timestamptz NOT NULL, PRIMARY KEY (DeploymentId, Address, Port, Generation));
INSERT INTO OrleansQuery VALUES
('UpdateIAmAlivetimeKey',
    'UPDATE Silo SET IAmAliveTime = @IAmAliveTime
     WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation'),
('InsertMembershipVersionKey',
    'WITH made AS (INSERT INTO Cluster (DeploymentId) VALUES (@DeploymentId) ON CONFLICT DO NOTHING RETURNING 1)
     SELECT count(*)::integer FROM made'),
-- One statement each, so that the version and the row change together or not at all.
('InsertMembershipKey',
    'WITH moved AS (UPDATE Cluster SET Version = Version + 1 WHERE DeploymentId = @DeploymentId AND Version = @Version RETURNING DeploymentId),
     made AS (INSERT INTO Silo SELECT DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, NULL, @StartTime,
         @IAmAliveTime FROM moved RETURNING 1)
     SELECT count(*)::integer FROM made'),
('UpdateMembershipKey',
    'WITH moved AS (UPDATE Cluster SET Version = Version + 1 WHERE DeploymentId = @DeploymentId AND Version = @Version RETURNING DeploymentId),
     changed AS (UPDATE Silo s SET Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime FROM moved
         WHERE s.DeploymentId = moved.DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation RETURNING 1)
     SELECT count(*)::integer FROM changed'),
('MembershipReadRowKey',
    'SELECT c.DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, SuspectTimes, StartTime, IAmAliveTime, Version
     FROM Cluster c LEFT JOIN Silo s ON s.DeploymentId = c.DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation
     WHERE c.DeploymentId = @DeploymentId'),
('MembershipReadAllKey',
    'SELECT c.DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, SuspectTimes, StartTime, IAmAliveTime, Version
     FROM Cluster c LEFT JOIN Silo s ON s.DeploymentId = c.DeploymentId WHERE c.DeploymentId = @DeploymentId'),
('DeleteMembershipTableEntriesKey',
    'WITH gone AS (DELETE FROM Silo WHERE DeploymentId = @DeploymentId) DELETE FROM Cluster WHERE DeploymentId = @DeploymentId'),
('GatewaysQueryKey',
    'SELECT Address, ProxyPort, Generation FROM Silo WHERE DeploymentId = @DeploymentId AND Status = @Status AND ProxyPort > 0'),
('CleanupDefunctSiloEntriesKey',
    'DELETE FROM Silo WHERE DeploymentId = @DeploymentId AND IAmAliveTime < @IAmAliveTime AND Status <> 3');
