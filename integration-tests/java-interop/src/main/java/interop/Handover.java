package interop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

import com.fasterxml.jackson.databind.JsonNode;

/** A lease that went from one holder to another, and how. */
record Handover(long at, String lease, String from, String to, How how) {
    enum How {
        /** A leader asked the holder, who passed it on. */
        ASKED,
        /** The holder passed it on by itself. */
        PASSED,
        /** The holder let go of it, and another one got it. */
        FREED,
        /** It was given to another one without the holder. */
        TAKEN
    }

    /** All of them, in their order. */
    static List<Handover> all(History history) {
        List<Handover> all = new ArrayList<>();
        Map<String, String> last = new HashMap<>();
        for (History.Change change : history.changes()) {
            String holder = change.after().holder();
            if (holder.isEmpty()) {
                continue;
            }
            String before = last.put(change.lease(), holder);
            if (before != null && !before.equals(holder)) {
                all.add(new Handover(change.at(), change.lease(), before, holder, how(change, before)));
            }
        }
        return all;
    }

    private static How how(History.Change change, String before) {
        if (change.before().holder().isEmpty()) {
            return How.FREED;
        }
        if (!change.client().equals(before)) {
            return How.TAKEN;
        }
        return change.before().checkpointOwner().isEmpty() ? How.PASSED : How.ASKED;
    }

    static String kind(String worker) {
        return worker.substring(0, worker.indexOf('-'));
    }

    /** From which kind to which, and how. */
    String kinds() {
        return kind(from) + " to " + kind(to) + ", " + how.name().toLowerCase();
    }

    /**
     * For how long nobody received records of the shard around it; nothing if the new holder received none, or one that
     * came between got the shard first.
     */
    private OptionalLong silence(List<JsonNode> records) {
        long before = -1;
        for (JsonNode record : records) {
            if (record.path("shard").asText().equals(lease)) {
                long received = record.path("received_ms").asLong();
                String worker = record.path("worker").asText();
                if (received > at && worker.equals(to) && before >= 0) {
                    return OptionalLong.of(received - before);
                }
                if (received > at && !worker.equals(from)) {
                    return OptionalLong.empty();
                }
                before = received;
            }
        }
        return OptionalLong.empty();
    }

    /** A bound that is far from what is measured: a shard that nobody took up would pass it. */
    static void expectNoLongSilence(List<Handover> all, List<JsonNode> records, Duration limit) throws Failed {
        for (Handover one : all) {
            if (one.silence(records).orElse(0) > limit.toMillis()) {
                throw new Failed(one.silence(records).getAsLong() + " ms of silence at " + one);
            }
        }
    }

    /** How many of each kind there were, and how long the silence was. Records are in the order in which they came. */
    static String silences(List<Handover> all, List<JsonNode> records) {
        Map<String, List<Long>> silences = new TreeMap<>();
        for (Handover one : all) {
            one.silence(records).ifPresent(
                    silence -> silences.computeIfAbsent(one.kinds(), kinds -> new ArrayList<>()).add(silence));
        }
        StringBuilder text = new StringBuilder();
        silences.forEach((kinds, times) -> {
            times.sort(Comparator.naturalOrder());
            text.append(text.isEmpty() ? "" : "; ").append(String.format("%s: %d of %.1f to %.1f s", kinds, times.size(),
                    times.get(0) / 1e3, times.get(times.size() - 1) / 1e3));
        });
        return text.toString();
    }
}
