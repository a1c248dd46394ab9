package interop;

import java.util.concurrent.Callable;

/** A line for every check of every scenario; scenarios run side by side. */
final class Verdicts {
    private int passed;
    private int failed;

    /** Something that is checked; it gives what is worth a note, or an empty text. */
    void check(String what, Callable<String> check) {
        try {
            String note = check.call();
            passed("ok   " + what + (note.isEmpty() ? "" : " (" + note + ")"));
        } catch (Exception e) {
            failed("FAIL " + what + ": " + (e instanceof Failed ? e.getMessage() : e));
        }
    }

    private synchronized void passed(String line) {
        passed++;
        System.out.println(line);
    }

    private synchronized void failed(String line) {
        failed++;
        System.out.println(line);
    }

    synchronized boolean allPassed() {
        System.out.println(passed + " passed, " + failed + " failed");
        return failed == 0;
    }
}
