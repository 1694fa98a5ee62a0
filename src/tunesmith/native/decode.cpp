// A Llama-like network reads tokens, one of each row or whole prompts, and draws the next ones: in fp32 or, with weights,
// keys and values in bf16, with sums, the residual stream and everything between the products in fp32.
//
// A step of a small model through Python is mostly the calling of many small operations. Here it is one call with a
// single parallel region. What a row becomes does not depend on the rows beside it, nor on the number of threads.

#include <algorithm>

#include "past.h"
#include "products.h"

extern "C" {

struct Layer {
    const float* attention_norm;  // (hidden,)
    const float* query_norm;      // (head_dim,) or null
    const float* key_norm;        // (head_dim,) or null
    const float* inner_norm;      // (hidden,)
    Matrix query_key_value, out, gate_up, down;
    Past past;
    int64_t window;  // how many tokens a query sees; 0: all
};

struct Network {
    int64_t bf16;  // whether weights, keys and values are
    int64_t layers, hidden, inner;
    Heads heads;
    int64_t embedding_bf16;
    const void* embedding;    // (vocabulary, hidden)
    const float* final_norm;  // (hidden,)
    const Layer* layer;
    Matrix head;  // the vocabulary projection
};

// New tokens, of which a row of the cache may get many. Buffers have as many rows as there are tokens, filled up to
// 2 TILE, or 2 TILE for each thread if that is more.
struct Step {
    int64_t tokens, capacity;
    const int64_t* ids;          // (tokens,)
    const int64_t* rows;         // (tokens,): the row of the cache
    const int64_t* places;       // (tokens,): where in its row; all before it are in the cache or in this step
    const float *cosine, *sine;  // (positions, head_dim)
    float* hidden;               // (tokens, hidden): the result, after the final norm
    float* stream;               // (tokens, hidden)
    float* projected;            // (tokens, (heads + 2 kv_heads) head_dim)
    void *normed, *attended, *inner;  // (tokens, padded(hidden)), (tokens, padded(heads head_dim)), (tokens, padded(inner))
    float* scratch;              // (threads, 2 capacity + 2 size)
};

// What the next tokens are drawn from.
struct Draw {
    int64_t rows;
    const float* hidden;         // (rows, hidden)
    void* normed;                // (rows, padded(hidden)), as above
    float* logits;               // (rows, vocabulary)
    const float* temperatures;   // (rows,), 0 for the likeliest token; null: logits are all that is wanted
    const double* uniforms;      // (rows,) in [0, 1)
    int64_t* tokens;             // (rows,)
    float* logprobs;             // (rows,)
};

// Draws of the same rows one after the other, with the reading of their tokens between them.
struct Burst {
    int64_t most;            // draws
    const uint8_t* live;     // (rows,): whose tokens end the burst when they are stops
    const int64_t* stops;    // (n_stops,)
    int64_t n_stops;
    int64_t* places;         // (rows,): where the next token of each goes; counted on
    const double* uniforms;  // (most, rows)
    int64_t* tokens;         // (most, rows)
    float* logprobs;         // (most, rows)
    int64_t done;            // the result: draws
};
}

namespace {

constexpr int64_t ALONE = 4;  // so few rows each thread prepares by itself, which is less work than waiting

// Calls `each(row, out)` for every row, whose output is `out`; returns where the rows of outputs begin. Waits for the
// other threads, unless this one has done everything by itself.
template <class Number, class Each>
Number* prepare(Number* buffer, int64_t rows, int64_t stride, Each each) {
    if (rows <= ALONE) {
        Number* own = buffer + omp_get_thread_num() * 2 * TILE * stride;
        for (int64_t row = 0; row < rows; ++row) each(row, own + row * stride);
        return own;
    }
    const Share share(rows);
    for (int64_t row = share.begin; row < share.end; ++row) each(row, buffer + row * stride);
#pragma omp barrier
    return buffer;
}

template <class Kind>
void embed(const Network& network, const Step& step) {
    const Share share(step.tokens);
    const int64_t n = network.hidden;
    for (int64_t t = share.begin; t < share.end; ++t) {
        float* out = step.stream + t * n;
        if (network.embedding_bf16) {
            const auto* from = static_cast<const uint16_t*>(network.embedding) + step.ids[t] * n;
            for (int64_t i = 0; i < n; ++i) out[i] = Bf16::widen(from[i]);
        } else {
            std::memcpy(out, static_cast<const float*>(network.embedding) + step.ids[t] * n, n * sizeof(float));
        }
    }
#pragma omp barrier
}

// Put the new tokens' keys and values of one group into the cache.
template <class Kind>
void keep(const Network& network, const Layer& layer, const Step& step, int64_t token, int64_t group, float* key) {
    const Heads& heads = network.heads;
    const int64_t size = heads.head_dim, place = step.places[token];
    const float* from = step.projected + (token * (heads.heads + 2 * heads.kv_heads) + heads.heads + group) * size;
    const float* plain = from;
    if (layer.key_norm) {
        normalise<Fp32>(from, layer.key_norm, size, heads.epsilon, key + size);
        plain = key + size;
    }
    rotate(plain, step.cosine + place * size, step.sine + place * size, size, key);
    remember<Kind>(heads, beginning<Kind>(layer.past.keys, heads, step.capacity, step.rows[token], group),
                   beginning<Kind>(layer.past.values, heads, step.capacity, step.rows[token], group), place, key,
                   from + heads.kv_heads * size);
}

template <class Kind>
void attend(const Network& network, const Layer& layer, const Step& step, int64_t token, int64_t group, float* scratch) {
    const Heads& heads = network.heads;
    const int64_t size = heads.head_dim, share = heads.heads / heads.kv_heads, place = step.places[token];
    const int64_t first = layer.window && place + 1 > layer.window ? place + 1 - layer.window : 0;
    const auto* keys = beginning<Kind>(layer.past.keys, heads, step.capacity, step.rows[token], group);
    const auto* values = beginning<Kind>(layer.past.values, heads, step.capacity, step.rows[token], group);
    float *rotated = scratch + 2 * step.capacity, *spare = rotated + size;
    auto* out = static_cast<typename Kind::Number*>(step.attended) + token * padded<Kind>(heads.heads * size);
    for (int64_t head = group * share; head < (group + 1) * share; ++head) {
        const float* query = step.projected + (token * (heads.heads + 2 * heads.kv_heads) + head) * size;
        if (layer.query_norm) {
            normalise<Fp32>(query, layer.query_norm, size, heads.epsilon, spare);
            query = spare;
        }
        rotate(query, step.cosine + place * size, step.sine + place * size, size, rotated);
        auto* narrow = reinterpret_cast<typename Kind::Number*>(spare);
        for (int64_t i = 0; i < size; ++i) narrow[i] = Kind::narrow(rotated[i]);
        look<Kind>(heads, narrow, keys, values, first, place, scratch, out + head * size);
    }
}

template <class Kind>
void read(const Network& network, const Step& step, int64_t threads) {
    typedef typename Kind::Number Number;
    const Heads& heads = network.heads;
    const int64_t hidden = network.hidden, width = (heads.heads + 2 * heads.kv_heads) * heads.head_dim;
    auto *normed = static_cast<Number*>(step.normed), *inner = static_cast<Number*>(step.inner);
    bool alone = true;  // whether each new token has its row for itself
    for (int64_t t = 1; t < step.tokens; ++t) alone = alone && step.rows[t] != step.rows[t - 1];
#pragma omp parallel num_threads(threads)
    {
        const Tiles tiles(std::is_same_v<Kind, Bf16>);
        float* scratch = step.scratch + omp_get_thread_num() * 2 * (step.capacity + heads.size);
        const auto normal = [&](const float* weight) {
            return prepare(normed, step.tokens, padded<Kind>(hidden), [&](int64_t row, Number* out) {
                normalise<Kind>(step.stream + row * hidden, weight, hidden, heads.epsilon, out);
            });
        };
        embed<Kind>(network, step);
        for (int64_t index = 0; index < network.layers; ++index) {
            const Layer& layer = network.layer[index];
            product<Kind, Fp32, Then::Store>(layer.query_key_value, normal(layer.attention_norm), step.tokens,
                                             step.projected, width, width, tiles);
            const Share share(step.tokens * heads.kv_heads);
            const auto each = [&](auto work) {
                for (int64_t task = share.begin; task < share.end; ++task)
                    work(network, layer, step, task / heads.kv_heads, task % heads.kv_heads, scratch);
            };
            each(keep<Kind>);
            if (!alone) {
#pragma omp barrier
            }
            each(attend<Kind>);
#pragma omp barrier
            product<Kind, Fp32, Then::Add>(layer.out, static_cast<Number*>(step.attended), step.tokens, step.stream, hidden,
                                           hidden, tiles);
            product<Kind, Kind, Then::Gate>(layer.gate_up, normal(layer.inner_norm), step.tokens, inner, network.inner,
                                            padded<Kind>(network.inner), tiles);
            product<Kind, Fp32, Then::Add>(layer.down, inner, step.tokens, step.stream, hidden, hidden, tiles);
        }
        const Share share(step.tokens);
        for (int64_t t = share.begin; t < share.end; ++t)
            normalise<Fp32>(step.stream + t * hidden, network.final_norm, hidden, heads.epsilon, step.hidden + t * hidden);
    }
}

// The token at which the weights' running sum passes `point` of their total, which is a sum of the same parts.
int64_t passing(const float* weights, int64_t n, double uniform, double total) {
    const double point = uniform * total;
    double before = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const double some = sum(load(weights + i));
        if (before + some > point) break;
        before += some;
    }
    int64_t last = -1;
    for (; i < n; ++i) {
        if (weights[i] > 0) last = i;
        before += weights[i];
        if (before > point && last == i) return i;
    }
    if (last >= 0) return last;
    for (i = n - 1; i > 0 && !(weights[i] > 0); --i) {}  // rounding has put the point at the very end
    return i;
}

// Draw from a row's logits, which become weights.
void draw(const Draw& all, int64_t row, float* logits, int64_t n) {
    const bool greedy = all.temperatures[row] == 0;
    const float divisor = greedy ? 1.0f : all.temperatures[row], highest = largest(logits, n, 1.0f);
    int64_t token = 0;
    while (greedy && token + 1 < n && logits[token] < highest) ++token;
    double total = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const Vector value = exponential((load(logits + i) - highest) / divisor);
        total += sum(value);
        store(logits + i, value);
    }
    for (; i < n; ++i) total += logits[i] = std::exp((logits[i] - highest) / divisor);
    if (!greedy) token = passing(logits, n, all.uniforms[row], total);
    all.tokens[row] = token;
    all.logprobs[row] = static_cast<float>(std::log(static_cast<double>(logits[token])) - std::log(total));
}

template <class Kind>
void choose(const Network& network, const Draw& all, int64_t threads) {
    typedef typename Kind::Number Number;
    const int64_t hidden = network.hidden, vocabulary = network.head.outputs;
#pragma omp parallel num_threads(threads)
    {
        const Tiles tiles(std::is_same_v<Kind, Bf16>);
        const auto* from = prepare(static_cast<Number*>(all.normed), all.rows, padded<Kind>(hidden), [&](int64_t row, Number* out) {
            for (int64_t i = 0; i < hidden; ++i) out[i] = Kind::narrow(all.hidden[row * hidden + i]);
        });
        product<Kind, Fp32, Then::Store>(network.head, from, all.rows, all.logits, vocabulary, vocabulary, tiles);
        const Share share(all.temperatures ? all.rows : 0);
        for (int64_t row = share.begin; row < share.end; ++row) draw(all, row, all.logits + row * vocabulary, vocabulary);
    }
}

// Draw, read, draw, ... until a live row has stopped or `most` is reached; the last draw's tokens are not read.
template <class Kind>
void write(const Network& network, Step step, Draw draw, Burst& burst, int64_t threads) {
    const auto stopped = [&](int64_t row) {
        return burst.live[row] && std::find(burst.stops, burst.stops + burst.n_stops, draw.tokens[row]) != burst.stops + burst.n_stops;
    };
    step.places = burst.places;
    for (burst.done = 0; burst.done < burst.most;) {
        const int64_t at = burst.done * draw.rows;
        draw.uniforms = burst.uniforms + at;
        draw.tokens = burst.tokens + at;
        draw.logprobs = burst.logprobs + at;
        choose<Kind>(network, draw, threads);
        bool over = ++burst.done == burst.most;
        for (int64_t row = 0; row < draw.rows; ++row) over = over || stopped(row);
        if (over) return;
        step.ids = draw.tokens;
        read<Kind>(network, step, threads);
        for (int64_t row = 0; row < draw.rows; ++row) ++burst.places[row];
    }
}

// Rows of a matrix (outputs, inputs) into panels, block by block of LANES outputs: `first`, `first` + `apart`, ...
template <class From, class To>
void pack(const typename From::Number* from, int64_t outputs, int64_t inputs, typename To::Number* to, int64_t first, int64_t apart) {
    constexpr int64_t pair = To::PAIR;
    const int64_t stride = padded<To>(inputs), blocks = (outputs + LANES - 1) / LANES;
    const Share share(blocks);
    for (int64_t block = share.begin; block < share.end; ++block) {
        const int64_t place = first + block * apart;
        auto* panel = to + place / 2 * PANEL * stride + place % 2 * LANES * pair;
        for (int64_t lane = 0; lane < LANES; ++lane) {
            const int64_t output = block * LANES + lane;
            for (int64_t k = 0; k < stride; k += LANES * pair) {
                float wide[LANES * pair] = {};
                const int64_t real = output < outputs ? std::min(LANES * pair, std::max<int64_t>(inputs - k, 0)) : 0;
                for (int64_t i = 0; i < real; ++i) wide[i] = From::widen(from[output * inputs + k + i]);
                typename To::Number narrow[LANES * pair];
                for (int64_t i = 0; i < pair; ++i) To::put(narrow + i * LANES, load(wide + i * LANES));
                const int64_t units = std::min<int64_t>(LANES, (stride - k) / pair);
                for (int64_t u = 0; u < units; ++u)
                    std::memcpy(panel + (k / pair + u) * PANEL * pair + lane * pair, narrow + u * pair, pair * sizeof *narrow);
            }
        }
    }
}

}  // namespace

extern "C" {

int64_t tunesmith_lanes() { return LANES; }

void tunesmith_read(const Network* network, const Step* step, int64_t threads) {
    if (network->bf16) read<Bf16>(*network, *step, threads);
    else read<Fp32>(*network, *step, threads);
}

void tunesmith_choose(const Network* network, const Draw* draw, int64_t threads) {
    if (network->bf16) choose<Bf16>(*network, *draw, threads);
    else choose<Fp32>(*network, *draw, threads);
}

void tunesmith_write(const Network* network, const Step* step, const Draw* draw, Burst* burst, int64_t threads) {
    if (network->bf16) write<Bf16>(*network, *step, *draw, *burst, threads);
    else write<Fp32>(*network, *step, *draw, *burst, threads);
}

// Panels that no block is packed into (the last one's second half) begin as zeros.
void tunesmith_pack(const void* from, int64_t from_bf16, int64_t outputs, int64_t inputs, void* to, int64_t to_bf16,
                    int64_t first, int64_t apart, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const auto *single = static_cast<const float*>(from);
        const auto *half = static_cast<const uint16_t*>(from);
        if (to_bf16) {
            auto* out = static_cast<uint16_t*>(to);
            if (from_bf16) pack<Bf16, Bf16>(half, outputs, inputs, out, first, apart);
            else pack<Fp32, Bf16>(single, outputs, inputs, out, first, apart);
        } else {
            pack<Fp32, Fp32>(single, outputs, inputs, static_cast<float*>(to), first, apart);
        }
    }
}
}
