#include "sim/slips.hpp"

#include <iterator>
#include <string_view>

#include "util/str.hpp"

namespace sim {
namespace {

/// Puts `what` before the first `where`, which stays; or in its place.
void insert(std::string& params, std::string_view where, std::string_view what, bool instead = false) {
  const auto at = params.find(where);
  if (at == std::string::npos) return;
  params.replace(at, instead ? where.size() : 0, what);
}

void replace_value(std::string& params, std::string_view name, std::string_view value) {
  const auto key = util::str('"', name, "\":");
  const auto at = params.find(key);
  if (at == std::string::npos) return;
  const auto begin = at + key.size();
  params.replace(begin, params.find_first_of(",}", begin) - begin, value);
}

std::string_view draw_close_to(Random& random) {
  static constexpr std::string_view addresses[] = {
      "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",  // good
      "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6",
      "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
      "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
      "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt0",
      "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
      "nowhere",
  };
  return addresses[random.below(std::size(addresses))];
}

}  // namespace

std::string draw_slip(Random& random, std::string params) {
  constexpr auto amount = R"("amount":)";
  switch (random.below(8)) {
    case 0:
      replace_value(params, "id", random.one_in(2) ? R"("$self")" : R"("$self@127.0.0.1:port")");
      break;
    case 1:
      if (params.find("push_msat") == std::string::npos)
        insert(params, amount, util::str(R"("push_msat":)", 1'000'000 + random.below(400'000'000), ','));
      break;
    case 2:
      insert(params, amount, util::str(R"("close_to":")", draw_close_to(random), "\","));
      break;
    case 3: {
      static constexpr std::string_view shouted[] = {R"("All")", R"("ALL")", R"("max")", R"("100")"};
      replace_value(params, "amount", shouted[random.below(std::size(shouted))]);
      break;
    }
    case 4:
      if (params.find("\"feerate\"") == std::string::npos)
        insert(params, R"({"destinations")", util::str(R"({"feerate":)", 1 + random.below(1'500), R"(,"destinations")"),
               true);
      break;
    case 5:
      insert(params, amount, random.one_in(2) ? R"("channel_type":[12,22,46],)" : R"("channel_type":[12,20],)");
      break;
    case 6:
      insert(params, amount, util::str(R"("reserve":)", random.below(400'000), ','));
      break;
    default:
      insert(params, R"({"destinations")", R"({"commitment_feerate":"2000perkw","destinations")", true);
      break;
  }
  return params;
}

}  // namespace sim
