// How fast the parts work through which most of the bytes go: prints a table.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "jsonrpc/framer.hpp"
#include "jsonrpc/message.hpp"
#include "psbt/psbt.hpp"
#include "util/str.hpp"

namespace {

constexpr std::size_t most_outputs = 2300;  // that a standard transaction carries
constexpr std::size_t read_size = 65536;    // of one read from lightningd
constexpr std::chrono::milliseconds run_time(500);

/// Does `work` again and again and prints how often a second it did `units` of `what`. Work that fails
/// ends the program.
template <class Work>
void measure(const char* what, std::size_t units, std::size_t bytes, Work work) {
  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  std::size_t rounds = 0;
  for (; Clock::now() - began < run_time; ++rounds) {
    if (work() == units) continue;
    std::fprintf(stderr, "%s: wrong result\n", what);
    std::exit(1);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  const auto done = static_cast<double>(rounds);
  std::printf("%-46s %12.0f /s %10.1f MB/s\n", what, done * static_cast<double>(units) / seconds,
              done * static_cast<double>(bytes) / seconds / 1e6);
}

/// Like fundchannel_start's replies, with strings and escapes; about 1 KB each.
std::string reply(std::size_t number) {
  return util::str(R"({"jsonrpc":"2.0","id":"cli/multifundchannel:fundchannel_start#)", number, R"(","result":{)",
                   R"("funding_address":"bcrt1q)", std::string(58, 'q'), R"(","scriptpubkey":"0020)",
                   std::string(64, 'a'), R"(","channel_type":{"bits":[12,22],"names":["static_remotekey/even",)",
                   R"("anchors/even"]},"warning_usage":"a \"quote\" and a {brace} )", std::string(600, '.'),
                   "\"}}\n\n");
}

/// Feeds the text in pieces, as it would come from a socket; the number of messages found.
std::size_t feed(std::string_view text, std::size_t piece) {
  jsonrpc::Framer framer;
  std::size_t found = 0;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const auto fed = framer.feed(text.substr(at, piece), [&found](std::string_view) { return ++found > 0; });
    if (!fed) return 0;
  }
  return found;
}

std::size_t parse(std::string_view text) {
  jsonrpc::Framer framer;
  std::size_t parsed = 0;
  const auto fed = framer.feed(text, [&parsed](std::string_view message) {
    if (jsonrpc::Message::parse(message)) ++parsed;
    return true;
  });
  return fed ? parsed : 0;
}

void measure_messages() {
  constexpr std::size_t count = 1000;
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += reply(i);
  measure("1 KB frames, 64 KiB at a time", count, text.size(), [&text] { return feed(text, read_size); });
  measure("1 KB frames, byte by byte", count, text.size(), [&text] { return feed(text, 1); });
  measure("1 KB messages, cut and parsed", count, text.size(), [&text] { return parse(text); });
  const std::string large = util::str(R"({"id":1,"result":{"psbt":")", std::string(std::size_t{16} << 20, 'A'), "\"}}");
  measure("16 MiB frames, 64 KiB at a time", 1, large.size(), [&large] { return feed(large, read_size); });
}

psbt::Psbt make_psbt() {
  // Version 2 with one input and no outputs: magic, global map, input map.
  const auto empty =
      util::from_hex(util::str("70736274ff", "01020402000000", "010401", "01", "010501", "00", "01fb0402000000", "00",
                               "010e20", std::string(64, '1'), "010f0400000000", "00"));
  auto psbt = *psbt::Psbt::parse(*empty);
  for (std::size_t i = 0; i < most_outputs; ++i) {
    util::Bytes script(34, static_cast<std::uint8_t>(i));
    psbt.insert_output(i, {bitcoin::Sat{100'000 + i}, std::move(script)});
  }
  return psbt;
}

void measure_psbt() {
  const auto psbt = make_psbt();
  for (const std::uint32_t version : {0u, 2u}) {
    const std::string text = psbt.base64(version);
    const auto name = [version](const char* what) {
      return util::str("PSBT of 2,300 outputs, version ", version, ", ", what);
    };
    measure(name("parsed").c_str(), 1, text.size(), [&text] {
      const auto parsed = psbt::Psbt::from_base64(text);
      return std::size_t{parsed && parsed->outputs().size() == most_outputs};
    });
    measure(name("written").c_str(), 1, text.size(),
            [&] { return std::size_t{psbt.base64(version).size() == text.size()}; });
  }
  measure("txid of 2,300 outputs", 1, psbt.base_weight() / 4,
          [&psbt, txid = psbt.txid()] { return std::size_t{psbt.txid() == txid}; });
}

}  // namespace

int main() {
  measure_messages();
  measure_psbt();
}
