package interop;

import java.util.concurrent.TimeUnit;

import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * One worker of the Java KCL. It prints what it reads, and stops in good order at SIGTERM.
 *
 * <p>{@code --app NAME --stream NAME --worker-id ID [--failover-ms N] [--shard-sync-ms N] [--shutdown-ms N]
 * [--balance-every RUNS] [--lock-ms N] [--lock-beat-ms N] [--parent-poll-ms N] [--measure no]}. What is not given is as the KCL has it
 * by default, but that CloudWatch gets nothing.
 */
public final class KclWorker {
    private KclWorker() {}

    public static void main(String[] arguments) {
        Options options = new Options(arguments);
        Scheduler scheduler = scheduler(options, new Lines(options.text("worker-id")));
        long deadline = options.number("shutdown-ms", 30_000);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(scheduler, deadline), "stop"));
        scheduler.run();
    }

    /** Ends the process with 0 if all leases were handed back in good order. */
    private static void stop(Scheduler scheduler, long deadline) {
        boolean inOrder = false;
        try {
            inOrder = scheduler.startGracefulShutdown().get(deadline, TimeUnit.MILLISECONDS);
        } catch (Exception e) {
            System.err.println("KclWorker: did not stop in good order: " + e);
        }
        Runtime.getRuntime().halt(inOrder ? 0 : 1);
    }

    private static Scheduler scheduler(Options options, Lines lines) {
        KinesisAsyncClient kinesis = Clients.kinesisOfTheKcl();
        SingleStreamTracker stream = new SingleStreamTracker(
                options.text("stream"),
                InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
        ConfigsBuilder configs = new ConfigsBuilder(
                stream,
                options.text("app"),
                kinesis,
                Clients.dynamoDbOfTheKcl(),
                Clients.cloudWatchOfTheKcl(),
                options.text("worker-id"),
                () -> new Processor(lines));
        var leases = configs.leaseManagementConfig();
        leases.failoverTimeMillis(options.number("failover-ms", leases.failoverTimeMillis()));
        leases.shardSyncIntervalMillis(options.number("shard-sync-ms", leases.shardSyncIntervalMillis()));
        leases.dynamoDbLockBasedLeaderLeaseDurationInMillis(
                options.number("lock-ms", leases.dynamoDbLockBasedLeaderLeaseDurationInMillis()));
        leases.dynamoDbLockBasedLeaderHeartbeatPeriodInMillis(
                options.number("lock-beat-ms", leases.dynamoDbLockBasedLeaderHeartbeatPeriodInMillis()));
        var balancing = leases.workerUtilizationAwareAssignmentConfig();
        long runs = options.number("balance-every", balancing.varianceBalancingFrequency());
        balancing.varianceBalancingFrequency(Math.toIntExact(runs));
        balancing.disableWorkerMetrics(options.has("measure") && options.text("measure").equals("no"));
        var coordinator = configs.coordinatorConfig();
        coordinator.parentShardPollIntervalMillis(
                options.number("parent-poll-ms", coordinator.parentShardPollIntervalMillis()));
        return new Scheduler(
                configs.checkpointConfig(),
                coordinator,
                leases,
                configs.lifecycleConfig(),
                configs.metricsConfig().metricsFactory(new NullMetricsFactory()),
                configs.processorConfig(),
                configs.retrievalConfig().retrievalSpecificConfig(new PollingConfig(options.text("stream"), kinesis)));
    }
}
