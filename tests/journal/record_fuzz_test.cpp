// What is read from a damaged record: the same as was written, or an error; never a crash.

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "journal/journal_format.hpp"
#include "record_sample.hpp"

namespace {

using Random = std::mt19937_64;

std::vector<std::string> samples() {
  std::vector<std::string> texts;
  auto ledger = record_sample::ledger();
  ledger.openings[0]->policy = request::PolicyRecord{{bitcoin::Msat{1'000}, 250, bitcoin::Msat{5}, {}}};
  ledger.openings[1]->earlier = {bitcoin::Sat{1'900'000}, bitcoin::Sat{1'950'000}};
  texts.push_back(journal::write_ledger(ledger));
  ledger.phase = ledger::BatchPhase::completing;
  ledger.reservation.renewed_at = 130;
  texts.push_back(journal::write_ledger(ledger));
  ledger.phase = ledger::BatchPhase::opening;
  ledger.plan.reset();
  ledger.reservation.prepared = ledger::PreparedRecord{110, 113, 17, record_sample::first_input.txid};
  texts.push_back(journal::write_ledger(ledger));
  return texts;
}

/// A value or a piece of JSON that a hostile writer would try.
std::string piece(Random& random) {
  static constexpr const char* pieces[] = {"null",
                                           "-1",
                                           "0",
                                           "4294967295",
                                           "4294967296",
                                           "18446744073709551615",
                                           "1e3",
                                           "1.5",
                                           "\"\"",
                                           "[]",
                                           "{}",
                                           "true",
                                           "[[",
                                           "}}",
                                           ",",
                                           "\"outnum\":",
                                           "\"sending\"",
                                           "\"begun\"",
                                           "\\u0000",
                                           "\xff",
                                           "2100000000000001",
                                           "\"inputs\":{}",
                                           "9999999999999999999999"};
  return pieces[random() % std::size(pieces)];
}

/// A run of digits, somewhere.
std::pair<std::size_t, std::size_t> number_in(const std::string& text, Random& random) {
  const auto at = text.find_first_of("0123456789", random() % text.size());
  if (at == std::string::npos) return {0, 0};
  const auto end = text.find_first_not_of("0123456789", at);
  return {at, (end == std::string::npos ? text.size() : end) - at};
}

std::string damaged(std::string text, Random& random, const std::vector<std::string>& all) {
  const auto at = random() % text.size();
  switch (random() % 7) {
    case 0:
      text[at] = static_cast<char>(random());
      return text;
    case 1:
      return text.erase(at, 1 + random() % 20);
    case 2:
      return text.insert(at, piece(random));
    case 3: {
      const auto [begin, size] = number_in(text, random);
      return text.replace(begin, size, piece(random));
    }
    case 4: {
      const auto [begin, size] = number_in(text, random);
      return text.replace(begin, size, std::to_string(random() % 5'000'000));
    }
    case 5:
      return text.insert(at, text.substr(random() % text.size(), random() % 60));
    default: {
      const auto& other = all[random() % all.size()];
      return text.substr(0, at) + other.substr(random() % other.size());
    }
  }
}

}  // namespace

TEST_CASE("a damaged record reads as it is written, or is refused") {
  const auto texts = samples();
  for (const auto& text : texts) REQUIRE(journal::read_ledger(text));
  Random random(20261128);
  int read_all_the_same = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto text = texts[random() % texts.size()];
    for (auto times = 1 + random() % 3; times > 0 && !text.empty(); --times) text = damaged(text, random, texts);
    const auto ledger = journal::read_ledger(text);
    if (!ledger) continue;
    ++read_all_the_same;
    CHECK(journal::write_ledger(**ledger) == text);
  }
  CHECK(read_all_the_same > 100);
}
