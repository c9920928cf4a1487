#include "worker/ngram_tags.h"

#include <gtest/gtest.h>

#include <string>

namespace tally {
namespace {

TEST(NgramTagsTest, EachPublishedTagIsKnown) {
  for (const std::string tag :
       {"NOUN", "VERB", "ADJ", "ADV", "PRON", "DET", "ADP", "NUM", "CONJ", "PRT", "X", "."}) {
    EXPECT_TRUE(IsTagged("word_" + tag)) << tag;
    EXPECT_TRUE(IsTagged("_" + tag + "_")) << tag;
    EXPECT_TRUE(IsTagged("two words_" + tag)) << tag;
    EXPECT_TRUE(IsTagged("words_" + tag + " two")) << tag;
    EXPECT_TRUE(IsTagged("_" + tag + "_ words")) << tag;
  }
  for (const std::string place : {"START", "END", "ROOT"}) {
    EXPECT_TRUE(IsTagged("_" + place + "_")) << place;
    EXPECT_TRUE(IsTagged("_" + place + "_ the")) << place;
    EXPECT_FALSE(IsTagged("word_" + place)) << place << " is no tag of a word";
  }
}

TEST(NgramTagsTest, TaggedWordsMayHoldAnything) {
  for (const std::string ngram : {"._.", "___.", "__NOUN", "A_B_NOUN", "A'Aang_NOUN", "\xff_X",
                                  "a b c d e_VERB", "_NOUN_VERB"}) {
    EXPECT_TRUE(IsTagged(ngram)) << ngram;
  }
}

TEST(NgramTagsTest, OnlyKnownTagsAreTags) {
  for (const std::string ngram : {"",          " ",          "_",        "__",
                                  "___",       "A_",         "_A",       "AUTO_INCREMENT",
                                  "word_noun", "word_NOUNS", "word_NOU", "word_PUNCT",
                                  "NOUN",      "_NOUN",      "NOUN_",    "word_NOUN_",
                                  "_START",    "START_",     "_FOO_",    "snake_case",
                                  "word _",    "word_ NOUN", "dog.",     "a  b"}) {
    EXPECT_FALSE(IsTagged(ngram)) << ngram;
  }
}

}  // namespace
}  // namespace tally
