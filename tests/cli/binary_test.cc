// The program's file: which instructions it holds, and which libraries it needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/run_tally.h"
#include "tests/sanitized.h"

namespace tally {
namespace {

std::string Dump(const std::vector<std::string>& options) {
  Command objdump = {.arguments = options, .program = "objdump"};
  objdump.arguments.emplace_back(TALLY_BINARY);
  const Outcome outcome = Process(objdump).Wait();
  EXPECT_THAT(outcome, ExitsWith(0));
  return outcome.out;
}

class BinaryCliTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "is about releases";
  }
};

// Highway 1.0 allows the compiler AVX-VNNI wherever there is VBMI2: of all instructions that it so
// may use, the only ones that some processors (Zen 4) lack.
TEST_F(BinaryCliTest, HasNoInstructionOfAvxVnni) {
  const std::string code = Dump({"--disassemble", "--no-show-raw-insn"});
  EXPECT_NE(code.find("<main>:"), std::string::npos);
  EXPECT_EQ(code.find("{vex} vpdp"), std::string::npos);
}

// To load one more takes 0.1 ms of the 1.7 that a run on a small file does.
TEST_F(BinaryCliTest, NeedsFewLibraries) {
  std::istringstream lines(Dump({"--private-headers"}));
  size_t libraries = 0;
  for (std::string word; lines >> word;) {
    if (word != "NEEDED") continue;
    lines >> word;
    ++libraries;
    EXPECT_THAT(word,
                testing::AnyOf(testing::StartsWith("libc.so"), testing::StartsWith("ld-linux")));
  }
  EXPECT_GE(libraries, 1u);
}

}  // namespace
}  // namespace tally
