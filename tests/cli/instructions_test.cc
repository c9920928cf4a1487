// Which instructions the program's machine code may hold.
#include <gtest/gtest.h>

#include <string>

#include "tests/cli/run_tally.h"
#include "tests/sanitized.h"

namespace tally {
namespace {

// Highway 1.0 allows the compiler AVX-VNNI wherever there is VBMI2: of all instructions that it so
// may use, the only ones that some processors (Zen 4) lack.
TEST(InstructionsCliTest, NoneIsOfAvxVnni) {
  if (kSanitized) GTEST_SKIP() << "of releases, which are what others get";
  const Command disassemble = {.arguments = {"--disassemble", "--no-show-raw-insn", TALLY_BINARY},
                               .program = "objdump"};
  const Outcome outcome = Process(disassemble).Wait();
  ASSERT_THAT(outcome, ExitsWith(0));
  EXPECT_NE(outcome.out.find("<main>:"), std::string::npos);
  EXPECT_EQ(outcome.out.find("{vex} vpdp"), std::string::npos);
}

}  // namespace
}  // namespace tally
