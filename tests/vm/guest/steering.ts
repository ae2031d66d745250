/**
 * The namespace tests of the datapath (tests/netns), as they are, where the kernel has the module.
 * Arguments: words of the names of those that are to run; none: all.
 */
import { runTests } from "./run_tests.ts";

const hasPassed = await runTests(async () => {
  await import("../../netns/steering_test.ts");
  await import("../../netns/steering_choice_test.ts");
  await import("../../netns/steering_clusterdev_test.ts");
  await import("../../netns/bucket_load_test.ts");
}, Deno.args);
if (!hasPassed) Deno.exit(1);
