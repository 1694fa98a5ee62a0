// One decoding step of a Llama-like network in fp32: every layer, every row, in a single parallel region.
//
// A step of a small model through Python is mostly the calling of many small operations. Here it is one call. Weights
// are packed into panels (`_panels` in step.py), so that the inner loop reads them in order and keeps its sums in
// registers. What a row becomes does not depend on the rows beside it: its sums are taken in the same order in any batch.

#include "vectors.h"

constexpr int PANEL = 2 * LANES;
// Rows multiplied at a time: 2 * BLOCK_ROWS registers hold sums, of the 32, 16 and 32 that there are.
constexpr int BLOCK_ROWS = LANES == 16 ? 12 : LANES == 8 ? 6 : 8;

extern "C" {

// Panels of a matrix (outputs, inputs): see `_panels` in step.py. `bias` may be null.
struct Matrix {
    const float* panels;
    const float* bias;
    int64_t outputs, inputs;
};

struct Layer {
    const float* attention_norm;  // (hidden,)
    const float* query_norm;      // (head_dim,) or null
    const float* key_norm;        // (head_dim,) or null
    const float* inner_norm;      // (hidden,)
    Matrix query_key_value, out, gate_up, down;
    float* keys;    // (room, kv_heads, capacity, head_dim)
    float* values;  // the same
    int64_t window;  // how many tokens a query sees; 0: all
};

struct Network {
    int64_t layers, hidden, heads, kv_heads, head_dim, inner;
    float epsilon, scaling;
    const float* embedding;   // (vocabulary, hidden)
    const float* final_norm;  // (hidden,)
    const Layer* layer;
};

struct Step {
    int64_t rows, capacity;
    const int64_t* tokens;      // (rows,)
    const int64_t* lengths;     // (rows,): tokens already in the cache, which is also the new token's position
    const float *cosine, *sine;  // (positions, head_dim)
    float* hidden;              // (rows, hidden): the result, after the final norm
    float *stream, *normed;     // (rows, hidden)
    float* projected;           // (rows, (heads + 2 kv_heads) head_dim)
    float* attended;            // (rows, heads head_dim)
    float* inner;               // (rows, inner)
    float* scores;              // (threads, capacity)
};
}

namespace {

void normalise(const float* x, const float* weight, int64_t n, float epsilon, float* out) {
    const float scale = 1.0f / std::sqrt(dot(x, x, n) / static_cast<float>(n) + epsilon);
    for (int64_t i = 0; i < n; ++i) out[i] = weight[i] * (x[i] * scale);
}

enum class Then { Store, Add, Gate };

// `R` rows times one panel.
template <int R, Then then>
void multiply(const float* x, int64_t inputs, const float* panel, const float* bias, float* out, int64_t stride, int64_t valid) {
    Vector sums[R][2] = {};
    for (int64_t k = 0; k < inputs; ++k) {
        const Vector left = load(panel + k * PANEL), right = load(panel + k * PANEL + LANES);
        for (int r = 0; r < R; ++r) {
            const float value = x[r * inputs + k];
            sums[r][0] += value * left;
            sums[r][1] += value * right;
        }
    }
    for (int r = 0; r < R; ++r) {
        float lanes[PANEL];
        if (then == Then::Gate) {  // a panel holds LANES gates, then the LANES values that they gate
            store(lanes, sums[r][0] / (exponential(-sums[r][0]) + 1.0f) * sums[r][1]);
        } else {
            store(lanes, sums[r][0]);
            store(lanes + LANES, sums[r][1]);
        }
        float* to = out + r * stride;
        for (int64_t i = 0; i < valid; ++i) {
            const float value = bias && then != Then::Gate ? lanes[i] + bias[i] : lanes[i];
            to[i] = then == Then::Add ? to[i] + value : value;
        }
    }
}

template <int R, Then then>
struct Dispatch {
    template <typename... Arguments>
    static void run(int64_t rows, Arguments... arguments) {
        if (rows == R) multiply<R, then>(arguments...);
        else Dispatch<R - 1, then>::run(rows, arguments...);
    }
};
template <Then then>
struct Dispatch<0, then> {
    template <typename... Arguments>
    static void run(int64_t, Arguments...) {}
};

// out (rows, outputs) = x (rows, inputs) @ matrix.T, or added to it, or gated (then `outputs` counts the gated values).
template <Then then>
void product(const Matrix& matrix, const float* x, int64_t rows, float* out, int64_t outputs) {
    const int64_t width = then == Then::Gate ? LANES : PANEL;
    const int64_t panels = (outputs + width - 1) / width, blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    const int64_t height = (rows + blocks - 1) / blocks;
    const Share share(panels * blocks);
    for (int64_t task = share.begin; task < share.end; ++task) {
        const int64_t panel = task / blocks, row = task % blocks * height, column = panel * width;
        const int64_t some = row + height <= rows ? height : rows - row;
        if (some <= 0) continue;
        const int64_t valid = column + width <= outputs ? width : outputs - column;
        Dispatch<BLOCK_ROWS, then>::run(some, x + row * matrix.inputs, matrix.inputs,
                                        matrix.panels + panel * PANEL * matrix.inputs,
                                        matrix.bias ? matrix.bias + column : nullptr, out + row * outputs + column,
                                        outputs, valid);
    }
#pragma omp barrier
}

void rotate(const float* x, const float* cosine, const float* sine, int64_t n, float* out) {
    const int64_t half = n / 2;
    for (int64_t i = 0; i < half; ++i) {
        const float a = x[i], b = x[i + half];
        out[i] = a * cosine[i] - b * sine[i];
        out[i + half] = b * cosine[i + half] + a * sine[i + half];
    }
}

void softmax(float* scores, int64_t n) {
    float highest = scores[0];
    for (int64_t i = 1; i < n; ++i) highest = scores[i] > highest ? scores[i] : highest;
    Vector sums = {};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const Vector value = exponential(load(scores + i) - highest);
        store(scores + i, value);
        sums += value;
    }
    float total = sum(sums);
    for (; i < n; ++i) total += scores[i] = std::exp(scores[i] - highest);
    const float scale = 1.0f / total;
    for (i = 0; i < n; ++i) scores[i] *= scale;
}

// One new token's attention: its keys and values are put into the cache, then each query sees what its row holds.
void attend(const Network& network, const Layer& layer, const Step& step, int64_t row, int64_t group, float* scores) {
    const int64_t size = network.head_dim, share = network.heads / network.kv_heads, place = step.lengths[row];
    const int64_t width = (network.heads + 2 * network.kv_heads) * size;
    const int64_t first = layer.window && place + 1 > layer.window ? place + 1 - layer.window : 0;
    const float *cosine = step.cosine + place * size, *sine = step.sine + place * size;
    float* projected = step.projected + row * width;
    float* key = projected + (network.heads + group) * size;
    const float* value = key + network.kv_heads * size;
    float* keys = layer.keys + (row * network.kv_heads + group) * step.capacity * size;
    float* values = layer.values + (row * network.kv_heads + group) * step.capacity * size;
    if (layer.key_norm) normalise(key, layer.key_norm, size, network.epsilon, key);
    rotate(key, cosine, sine, size, keys + place * size);
    std::memcpy(values + place * size, value, size * sizeof(float));
    for (int64_t head = group * share; head < (group + 1) * share; ++head) {
        float* query = projected + head * size;
        float* out = step.attended + (row * network.heads + head) * size;
        if (layer.query_norm) normalise(query, layer.query_norm, size, network.epsilon, query);
        rotate(query, cosine, sine, size, out);  // `out` is free until the sums below
        std::memcpy(query, out, size * sizeof(float));
        for (int64_t t = first; t <= place; ++t) scores[t - first] = network.scaling * dot(query, keys + t * size, size);
        softmax(scores, place + 1 - first);
        std::memset(out, 0, size * sizeof(float));
        for (int64_t t = first; t <= place; ++t) {
            const float weight = scores[t - first];
            const float* seen = values + t * size;
            for (int64_t i = 0; i < size; ++i) out[i] += weight * seen[i];
        }
    }
}

void normalise_rows(const Step& step, const float* weight, int64_t n, float epsilon, float* out) {
    const Share share(step.rows);
    for (int64_t row = share.begin; row < share.end; ++row)
        normalise(step.stream + row * n, weight, n, epsilon, out + row * n);
#pragma omp barrier
}

}  // namespace

extern "C" {

int64_t tunesmith_lanes() { return LANES; }

void tunesmith_step(const Network* network_, const Step* step_, int64_t threads) {
    const Network& network = *network_;
    const Step& step = *step_;
    const int64_t hidden = network.hidden, width = (network.heads + 2 * network.kv_heads) * network.head_dim;
#pragma omp parallel num_threads(threads)
    {
        float* scores = step.scores + omp_get_thread_num() * step.capacity;
        {
            const Share share(step.rows);
            for (int64_t row = share.begin; row < share.end; ++row)
                std::memcpy(step.stream + row * hidden, network.embedding + step.tokens[row] * hidden, hidden * sizeof(float));
        }
        for (int64_t index = 0; index < network.layers; ++index) {
            const Layer& layer = network.layer[index];
            normalise_rows(step, layer.attention_norm, hidden, network.epsilon, step.normed);
            product<Then::Store>(layer.query_key_value, step.normed, step.rows, step.projected, width);
            const Share share(step.rows * network.kv_heads);
            for (int64_t task = share.begin; task < share.end; ++task)
                attend(network, layer, step, task / network.kv_heads, task % network.kv_heads, scores);
#pragma omp barrier
            product<Then::Add>(layer.out, step.attended, step.rows, step.stream, hidden);
            normalise_rows(step, layer.inner_norm, hidden, network.epsilon, step.normed);
            product<Then::Gate>(layer.gate_up, step.normed, step.rows, step.inner, network.inner);
            product<Then::Add>(layer.down, step.inner, step.rows, step.stream, hidden);
        }
        normalise_rows(step, network.final_norm, hidden, network.epsilon, step.hidden);
    }
}
}
