package interop;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;

import com.fasterxml.jackson.databind.node.ObjectNode;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.retrieval.KinesisClientRecord;

/** Prints the records of one shard and what happens to it, and checkpoints after every batch. */
final class Processor implements ShardRecordProcessor {
    private final Lines lines;
    private String shard;

    Processor(Lines lines) {
        this.lines = lines;
    }

    @Override
    public void initialize(InitializationInput input) {
        shard = input.shardId();
        Lines.write(lines.event("initialized", shard)
                .put("checkpoint", input.extendedSequenceNumber().sequenceNumber()));
    }

    @Override
    public void processRecords(ProcessRecordsInput input) {
        List<KinesisClientRecord> records = input.records();
        if (records.isEmpty()) {
            return;
        }
        long received = System.currentTimeMillis();
        records.forEach(record -> Lines.write(record(record, received)));
        KinesisClientRecord last = records.get(records.size() - 1);
        checkpoint(() -> input.checkpointer().checkpoint(last.sequenceNumber(), last.subSequenceNumber()));
    }

    private ObjectNode record(KinesisClientRecord record, long received) {
        ObjectNode line = lines.event("record", shard)
                .put("seq", record.sequenceNumber())
                .put("sub", record.subSequenceNumber())
                .put("key", record.partitionKey())
                .put("arrival_ms", record.approximateArrivalTimestamp().toEpochMilli())
                .put("received_ms", received);
        ByteBuffer data = record.data();
        try {
            return line.put("data", StandardCharsets.UTF_8.newDecoder().decode(data.duplicate()).toString());
        } catch (CharacterCodingException e) {
            byte[] bytes = new byte[data.remaining()];
            data.duplicate().get(bytes);
            return line.put("data_base64", Base64.getEncoder().encodeToString(bytes));
        }
    }

    @Override
    public void leaseLost(LeaseLostInput input) {
        Lines.write(lines.event("lease_lost", shard));
    }

    @Override
    public void shardEnded(ShardEndedInput input) {
        RecordProcessorCheckpointer checkpointer = input.checkpointer();
        checkpoint(checkpointer::checkpoint);
        Lines.write(lines.event("shard_ended", shard));
    }

    @Override
    public void shutdownRequested(ShutdownRequestedInput input) {
        RecordProcessorCheckpointer checkpointer = input.checkpointer();
        checkpoint(checkpointer::checkpoint);
        Lines.write(lines.event("shutdown", shard));
    }

    /** Something that the KCL's checkpointer does. */
    private interface Checkpoint {
        void make() throws InvalidStateException, ShutdownException;
    }

    private void checkpoint(Checkpoint checkpoint) {
        try {
            checkpoint.make();
        } catch (ShutdownException e) {
            // The lease has gone to another worker, which reads these records again; `leaseLost` says so.
        } catch (InvalidStateException e) {
            Lines.write(lines.event("error", shard).put("error", e.toString()));
        }
    }
}
