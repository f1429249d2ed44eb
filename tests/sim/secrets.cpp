#include "sim/secrets.hpp"

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace sim {

Secrets::Secrets(Core& core) : core_(core) {
  core_.methods.add("makesecret", "[hex] [string]",
                    [this](Params& params, Reply reply) { makesecret(params, std::move(reply)); });
}

void Secrets::makesecret(Params& params, Reply reply) {
  const bool hex = params.find("hex").has_value();
  if (hex == params.find("string").has_value()) {
    return reply.fail(lightningd::code::invalid_params,
                      hex ? "Cannot have both hex and string" : "Must have either hex or string");
  }
  const auto bytes = hex ? util::from_hex(params.text("hex")) : std::nullopt;
  if (hex && !bytes) params.bad("hex", "should be a hex value");
  if (params.error()) return reply.finish(*params.error());
  purpose_ = hex ? std::string(bytes->begin(), bytes->end()) : params.text("string");
  core_.monitor.secret(derive(purpose_));
  json::Writer writer;
  reply.succeed(writer.object().field("secret", derive(purpose_)).end().take());
}

std::string Secrets::derive(std::string_view purpose) const {
  const auto text = util::str("hsm_secret ", core_.setup.seed, ' ', purpose);
  const auto digest = util::sha256(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  return util::to_hex(digest.data(), digest.size());
}

journal::RecordSeal Secrets::seal() const { return journal::RecordSeal(*util::MacKey::from_hex(derive(purpose_))); }

}  // namespace sim
