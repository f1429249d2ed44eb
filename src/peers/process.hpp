#pragma once

#include "announcing/announcer.hpp"
#include "context/settings.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "peers/node_facts.hpp"
#include "spark/gate.hpp"
#include "spark/runtime.hpp"

namespace peers {

/// What the batches, previews and settlements of this process share. Cheap to copy; the Service owns what it refers to.
struct Process {
  spark::Runtime& runtime;
  context::Settings settings;  ///< as they were when the batch began; some are its own
  spark::Gate& connects;       ///< of all batches together: connectd's window is the node's
  ledger::Book& book;
  const NodeFacts& node;
  announcing::Announcer& announcer;
};

}  // namespace peers
