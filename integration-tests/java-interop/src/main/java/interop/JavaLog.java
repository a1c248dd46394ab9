package interop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Warnings and errors of Java workers: those that they print without us, too, and why; any other is a finding. */
final class JavaLog {
    private static final Pattern LINE = Pattern.compile("\\S+ \\[.*?] (WARN|ERROR) (\\S+) - (.*)");

    private JavaLog() {}

    /** A kind of line: level, the class that logs it, how it begins, and what it is about. */
    private record Known(String level, String logger, String begins, String why) {
        boolean is(String otherLevel, String otherLogger, String message) {
            return level.equals(otherLevel) && otherLogger.endsWith("." + logger) && message.startsWith(begins);
        }
    }

    /** All of these come in {@code java-alone}, too. */
    private static final List<Known> KNOWN = List.of(
            new Known("WARN", "LeaseAssignmentManager", "Not able to assign all expiredOrUnAssignedLeases",
                    "its first plan comes before its first report"),
            new Known("WARN", "ProcessTask", "Cannot get the shard for this ProcessTask",
                    "it lists a new shard later than it reads it"));

    /** That all warnings and errors of these logs are known. */
    static String check(List<Path> logs) throws Failed {
        Map<String, Integer> counts = new TreeMap<>();
        List<String> unknown = new ArrayList<>();
        for (Path log : logs) {
            for (String line : lines(log)) {
                Matcher matcher = LINE.matcher(line);
                if (!matcher.matches()) {
                    continue;
                }
                var known = KNOWN.stream()
                        .filter(one -> one.is(matcher.group(1), matcher.group(2), matcher.group(3)))
                        .findFirst();
                if (known.isPresent()) {
                    counts.merge(known.get().why(), 1, Integer::sum);
                } else {
                    unknown.add(log.getFileName() + ": " + line);
                }
            }
        }
        if (!unknown.isEmpty()) {
            throw new Failed(unknown.size() + " lines that Java does not print alone:\n     " + String.join("\n     ", unknown));
        }
        List<String> notes = new ArrayList<>();
        counts.forEach((why, count) -> notes.add(count + " times " + why));
        return String.join("; ", notes);
    }

    private static List<String> lines(Path log) {
        try {
            return Files.readAllLines(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
