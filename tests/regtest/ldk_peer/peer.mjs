// A real LDK node (LDK 0.1, npm's lightningdevkit) to which others open channels; on regtest, and on loopback only.
//
// usage: node peer.mjs DIRECTORY     ../ldk.py runs it; `npm ci` in this folder comes first
//
// DIRECTORY/config.json says how it is:
//     port           where it listens
//     bitcoind       {port, user, password}: whose chain it follows
//     channels       which it accepts: "private" (LDK's default), "public" or "both"
//     minimum_sat    the smallest channel it accepts; null: LDK's default
// The first line it prints is {"id": ..}: peers can connect. What comes later is its log. DIRECTORY/channels.json shows
// its channels, in the words of lightningd's listpeerchannels.
//
// It may be killed at any time and started again with the same DIRECTORY, which has its key, its ChannelManager and its
// ChannelMonitors. A monitor is saved before anything is sent that depends on it, as LDK asks. The manager is saved soon
// after, and before channels.json shows what changed: a channel that is seen there is still there after a kill.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as ldk from "lightningdevkit";
import { NodeLDKNet } from "lightningdevkit-node-net";

const LOOK = 200; // ms between looks at the chain and for events
const FEERATE = 253; // sat per 1000 weight, whatever it is for
const HEADER = 80; // bytes at the beginning of a block
const SAVED = ldk.ChannelMonitorUpdateStatus.LDKChannelMonitorUpdateStatus_Completed;
const NETWORK = ldk.Network.LDKNetwork_Regtest;

const directory = process.argv[2];
const monitors = join(directory, "monitors");
const config = JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"));
const reversed = (bytes) => new Uint8Array(Buffer.from(bytes).reverse()); // txids and hashes are shown backwards
const log = (text) => console.log(new Date().toISOString(), text);
const now = () => Math.floor(Date.now() / 1000);

// --- its files ---

function load(path) {
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : null;
}

function save(path, data) {
  writeFileSync(path + ".new", data);
  renameSync(path + ".new", path);
}

function saveMonitor(outpoint, monitor) {
  save(join(monitors, `${hex(outpoint.get_txid())}-${outpoint.get_index()}`), monitor.write());
  return SAVED;
}

function ownSeed() {
  const path = join(directory, "seed");
  if (!existsSync(path)) save(path, randomBytes(32));
  return load(path);
}

// --- the chain ---

async function bitcoind(method, ...params) {
  const { port, user, password } = config.bitcoind;
  const authorization = "Basic " + Buffer.from(`${user}:${password}`).toString("base64");
  const body = JSON.stringify({ id: 0, method, params });
  const reply = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers: { authorization }, body });
  const { result, error } = await reply.json();
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}

async function blockAt(height) {
  return unhex(await bitcoind("getblock", await bitcoind("getblockhash", height), 0));
}

async function bestBlock() {
  const { blocks, bestblockhash } = await bitcoind("getblockchaininfo");
  return ldk.BestBlock.constructor_new(reversed(unhex(bestblockhash)), blocks);
}

// A monitor that was saved some blocks ago learns of them before LDK's ChainMonitor takes it.
async function catchUp(monitor, tip) {
  for (let height = monitor.current_best_block().get_height() + 1; height <= tip; height++) {
    const { tx } = await bitcoind("getblock", await bitcoind("getblockhash", height), 2);
    const transactions = tx.map((each, i) => ldk.TwoTuple_usizeTransactionZ.constructor_new(i, unhex(each.hex)));
    const header = (await blockAt(height)).slice(0, HEADER);
    monitor.block_connected(header, transactions, height, broadcaster, fees, logger);
  }
}

// --- LDK ---

const require = createRequire(import.meta.url);
const wasm = join(dirname(require.resolve("lightningdevkit/package.json")), "liblightningjs.wasm");
await ldk.initializeWasmFromBinary(readFileSync(wasm));
mkdirSync(monitors, { recursive: true });

const fees = ldk.FeeEstimator.new_impl({ get_est_sat_per_1000_weight: () => FEERATE });
const broadcaster = ldk.BroadcasterInterface.new_impl({
  broadcast_transactions(transactions) {
    // Of a channel whose funding transaction was never sent bitcoind takes none.
    for (const tx of transactions) bitcoind("sendrawtransaction", hex(tx)).catch((e) => log(e.message));
  },
});
const logger = ldk.Logger.new_impl({
  log(record) {
    if (record.get_level() >= ldk.Level.LDKLevel_Debug) log(record.get_args());
  },
});
const persister = ldk.Persist.new_impl({
  persist_new_channel: saveMonitor,
  update_persisted_channel(outpoint, _update, monitor) {
    setImmediate(saveManager); // LDK closes a channel whose monitor it finds ahead of the manager
    return saveMonitor(outpoint, monitor);
  },
  archive_persisted_channel() {},
});
const handler = ldk.EventHandler.new_impl({
  handle_event(event) {
    log("event: " + event.constructor.name);
    return ldk.Result_NoneReplayEventZ.constructor_ok();
  },
});

const keys = ldk.KeysManager.constructor_new(ownSeed(), BigInt(now()), 0);
const entropy = keys.as_EntropySource();
const chain = ldk.ChainMonitor.constructor_new(
  ldk.Option_FilterZ.constructor_none(), broadcaster, logger, fees, persister);
const graph = ldk.NetworkGraph.constructor_new(NETWORK, logger);
const scorer = ldk.ProbabilisticScorer.constructor_new(
  ldk.ProbabilisticScoringDecayParameters.constructor_default(), graph, logger);
const router = ldk.DefaultRouter.constructor_new(
  graph, logger, entropy, ldk.MultiThreadedLockableScore.constructor_new(scorer.as_Score()).as_LockableScore(),
  ldk.ProbabilisticScoringFeeParameters.constructor_default());
const messages = ldk.DefaultMessageRouter.constructor_new(graph, entropy);

function userConfig() {
  const result = ldk.UserConfig.constructor_default();
  const limits = ldk.ChannelHandshakeLimits.constructor_default();
  const handshake = ldk.ChannelHandshakeConfig.constructor_default();
  if (config.minimum_sat) limits.set_min_funding_satoshis(BigInt(config.minimum_sat));
  limits.set_force_announced_channel_preference(config.channels !== "both");
  handshake.set_announce_for_forwarding(config.channels === "public");
  result.set_channel_handshake_limits(limits);
  result.set_channel_handshake_config(handshake);
  return result;
}

async function newManager() {
  const parameters = ldk.ChainParameters.constructor_new(NETWORK, await bestBlock());
  return ldk.ChannelManager.constructor_new(
    fees, chain.as_Watch(), broadcaster, router.as_Router(), messages.as_MessageRouter(), logger, entropy,
    keys.as_NodeSigner(), keys.as_SignerProvider(), userConfig(), parameters, now());
}

function value(result) {
  if (!result.is_ok()) throw new Error("LDK cannot read what it saved");
  return result.res.get_b();
}

async function savedManager(saved) {
  const known = readdirSync(monitors).filter((name) => !name.endsWith(".new")).map((name) => value(
    ldk.UtilMethods.constructor_C2Tuple_ThirtyTwoBytesChannelMonitorZ_read(
      load(join(monitors, name)), entropy, keys.as_SignerProvider())));
  const result = value(ldk.UtilMethods.constructor_C2Tuple_ThirtyTwoBytesChannelManagerZ_read(
    saved, entropy, keys.as_NodeSigner(), keys.as_SignerProvider(), fees, chain.as_Watch(), broadcaster,
    router.as_Router(), messages.as_MessageRouter(), logger, userConfig(), known));
  const tip = result.current_best_block().get_height();
  for (const monitor of known) {
    await catchUp(monitor, tip);
    chain.as_Watch().watch_channel(monitor.get_funding_txo().get_a(), monitor);
  }
  return result;
}

function saveManager() {
  save(join(directory, "manager"), manager.write());
}

const saved = load(join(directory, "manager"));
const manager = saved ? await savedManager(saved) : await newManager();
saveManager();
const ignore = ldk.IgnoringMessageHandler.constructor_new();
const peers = ldk.PeerManager.constructor_new(
  manager.as_ChannelMessageHandler(), ignore.as_RoutingMessageHandler(), ignore.as_OnionMessageHandler(),
  ignore.as_CustomMessageHandler(), now(), entropy.get_secure_random_bytes(), logger, keys.as_NodeSigner());
const net = new NodeLDKNet(peers);

// --- what it shows ---

function bits(flags) {
  return [...flags].flatMap((byte, i) => [0, 1, 2, 3, 4, 5, 6, 7].filter((b) => byte >> b & 1).map((b) => 8 * i + b));
}

function view(channel) {
  const funding = channel.get_funding_txo();
  const type = channel.get_channel_type();
  const lockedIn = channel.get_is_channel_ready() ? "CHANNELD_NORMAL" : "CHANNELD_AWAITING_LOCKIN";
  return {
    peer_id: hex(channel.get_counterparty().get_node_id()),
    channel_id: hex(channel.get_channel_id().get_a()),
    state: funding ? lockedIn : "OPENINGD",
    usable: Boolean(channel.get_is_usable()), // also connected, and established again
    private: !channel.get_is_announced(),
    total_msat: 1000 * Number(channel.get_channel_value_satoshis()),
    ...(type && { channel_type: { bits: bits(type.le_flags()) } }),
    ...(funding && { funding_txid: hex(reversed(funding.get_txid())), funding_outnum: funding.get_index() }),
  };
}

let shown = "";
function show() {
  const channels = JSON.stringify(manager.list_channels().map(view));
  if (channels !== shown) save(join(directory, "channels.json"), (shown = channels));
}

// --- its life ---

async function follow() {
  const tip = await bitcoind("getblockcount");
  for (let height = manager.current_best_block().get_height() + 1; height <= tip; height++) {
    const block = await blockAt(height);
    manager.as_Listen().block_connected(block, height);
    chain.as_Listen().block_connected(block, height);
  }
}

async function turn() {
  await follow();
  manager.as_EventsProvider().process_pending_events(handler);
  chain.as_EventsProvider().process_pending_events(handler);
  net.process_events();
  if (manager.get_and_clear_needs_persistence()) saveManager();
  show();
}

await turn();
await net.bind_listener("127.0.0.1", config.port);
console.log(JSON.stringify({ id: hex(manager.get_our_node_id()) }));
for (;;) {
  await turn();
  await sleep(LOOK);
}
