// Causal attention of packed rows, forward and backward, without a matrix that is larger than a few rows of scores
// (arXiv 1911.02150 for shared key heads; the backward pass recomputes the probabilities, arXiv 2205.14135).
//
// A row is four numbers: where it starts in the stream, its length, and the same of the row that it continues (length 0:
// none). Rows that continue the same one stand behind it and form a family. A thread takes one family and one key head
// at a time, so that nobody else adds to the same gradients and the numbers do not depend on the number of threads.
// Numbers come and go in fp32 or bf16; everything between is fp32.

#include <algorithm>
#include <vector>

#include "numbers.h"

namespace {

constexpr int64_t QUERIES = 48;               // rows of scores at once
constexpr int NV = LANES == 16 ? 4 : 2;       // vectors in a row of a tile
constexpr int MR = 6;                         // rows of a tile: with NV, as many sums as there are registers

inline int64_t padded(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

// c[i][j] (+)= sum over k < depth of a[i * row_a + k * step_a] * b[k][j], for M rows and N vectors.
template <int M, int N>
inline void tile(const float* a, int64_t row_a, int64_t step_a, const float* b, int64_t row_b, float* c, int64_t row_c, int64_t depth,
                 bool add) {
    Vector sums[M][N];
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) sums[i][j] = add ? load(c + i * row_c + j * LANES) : Vector{};
    for (int64_t k = 0; k < depth; ++k) {
        Vector right[N];
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) right[j] = load(b + k * row_b + j * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < M; ++i) {
            const Vector left = Vector{} + a[i * row_a + k * step_a];
#pragma GCC unroll 4
            for (int j = 0; j < N; ++j) sums[i][j] += left * right[j];
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) store(c + i * row_c + j * LANES, sums[i][j]);
}

struct Product {
    const float *a, *b;
    float* c;
    int64_t row_a, step_a, row_b, row_c, rows, columns, depth;
    bool add;
};

template <int M, int N>
inline void strip(const Product& p, int64_t i, int64_t j) {
    tile<M, N>(p.a + i * p.row_a, p.row_a, p.step_a, p.b + j, p.row_b, p.c + i * p.row_c + j, p.row_c, p.depth, p.add);
}

template <int N>
void strips(const Product& p, int64_t j) {
    int64_t i = 0;
    for (; i + MR <= p.rows; i += MR) strip<MR, N>(p, i, j);
    switch (p.rows - i) {
        case 5: return strip<5, N>(p, i, j);
        case 4: return strip<4, N>(p, i, j);
        case 3: return strip<3, N>(p, i, j);
        case 2: return strip<2, N>(p, i, j);
        case 1: return strip<1, N>(p, i, j);
    }
}

// The whole product; `columns` is a multiple of LANES.
void multiply(const Product& p) {
    int64_t j = 0;
    for (; j + NV * LANES <= p.columns; j += NV * LANES) strips<NV>(p, j);
    for (; j < p.columns; j += LANES) strips<1>(p, j);
}

struct Row {
    int64_t start, length, parent, before;
};

// The shape of the tensors and where their rows lie: q and its gradient (N, heads, n), k and v (N, kv_heads, n).
struct Shape {
    int64_t heads, kv_heads, n, window;
    float scale;
    int64_t width() const { return padded(n); }
    int64_t group() const { return heads / kv_heads; }
};

// A thread's own memory, kept from call to call.
struct Scratch {
    std::vector<float> memory;
    size_t used = 0;
    void begin(size_t floats) {
        if (memory.size() < floats + LANES * 32) memory.resize(floats + LANES * 32);
        used = 0;
    }
    float* take(int64_t floats) {
        float* found = memory.data() + used;
        used += static_cast<size_t>((floats + 15) / 16 * 16);
        return found;
    }
};
thread_local Scratch scratch;

// One head of `count` positions from `at` on, into rows of `width` floats with zeros behind n.
template <typename Number>
void gather(const Number* from, int64_t heads, int64_t head, int64_t n, int64_t at, int64_t count, float factor, float* to, int64_t width) {
    for (int64_t r = 0; r < count; ++r) {
        const Number* row = from + ((at + r) * heads + head) * n;
        pieces(n, [=](int64_t i, int64_t some) { put(to + r * width + i, get(row + i, some) * factor, some); });
        for (int64_t i = n; i < width; ++i) to[r * width + i] = 0.0f;
    }
}

template <typename Number>
void scatter(const float* from, int64_t width, Number* to, int64_t heads, int64_t head, int64_t n, int64_t at, int64_t count) {
    for (int64_t r = 0; r < count; ++r) {
        Number* row = to + ((at + r) * heads + head) * n;
        pieces(n, [=](int64_t i, int64_t some) { put(row + i, get(from + r * width + i, some), some); });
    }
}

// (rows, width) -> (width, columns), zeros in the columns behind `rows`.
void turned(const float* from, int64_t rows, int64_t width, float* to, int64_t columns) {
    for (int64_t i = 0; i < width; ++i) {
        for (int64_t r = 0; r < rows; ++r) to[i * columns + r] = from[r * width + i];
        for (int64_t r = rows; r < columns; ++r) to[i * columns + r] = 0.0f;
    }
}

// What query i of a row sees: keys [low, high) of the row that it continues and of its own, one behind the other.
struct Seen {
    int64_t low, high;
    Seen(const Row& row, int64_t i, int64_t window) : high(row.before + i + 1) { low = window > 0 ? std::max<int64_t>(0, high - window) : 0; }
};

// scores (count, columns) become exp(score - their logarithm of summed exponentials), zeros where nothing is seen up
// to `limit`.
void probabilities(float* scores, int64_t columns, int64_t limit, const Row& row, int64_t first, int64_t count, int64_t window, float* logs,
                   bool known) {
    for (int64_t r = 0; r < count; ++r) {
        float* line = scores + r * columns;
        const Seen seen(row, first + r, window);
        std::fill(line, line + seen.low, 0.0f);
        std::fill(line + seen.high, line + limit, 0.0f);
        if (!known) {
            const float most = largest(line + seen.low, seen.high - seen.low, 1.0f);
            Vector sums = {};
            float tail = 0.0f;
            int64_t j = seen.low;
            for (; j + LANES <= seen.high; j += LANES) {
                const Vector value = exponential(load(line + j) - most);
                store(line + j, value);
                sums += value;
            }
            for (; j < seen.high; ++j) tail += line[j] = std::exp(line[j] - most);
            const float total = sum(sums) + tail;
            logs[r] = most + std::log(total);
            const float factor = 1.0f / total;
            for (j = seen.low; j < seen.high; ++j) line[j] *= factor;
        } else {
            int64_t j = seen.low;
            for (; j + LANES <= seen.high; j += LANES) store(line + j, exponential(load(line + j) - logs[r]));
            for (; j < seen.high; ++j) line[j] = std::exp(line[j] - logs[r]);
        }
    }
}

// Keys and values of a row and of the one that it continues, one behind the other.
template <typename Number>
struct Context {
    float *keys, *values, *turned_keys, *turned_values;
    int64_t count, columns;
    Context(const Number* k, const Number* v, const Shape& shape, const Row& row, int64_t head, bool backward) {
        const int64_t width = shape.width();
        count = row.before + row.length;
        columns = padded(count);
        keys = scratch.take(columns * width);
        values = scratch.take(columns * width);
        turned_keys = scratch.take(columns * width);
        turned_values = backward ? scratch.take(columns * width) : nullptr;
        for (auto [from, to] : {std::pair{k, keys}, std::pair{v, values}}) {
            gather(from, shape.kv_heads, head, shape.n, row.parent, row.before, 1.0f, to, width);
            gather(from, shape.kv_heads, head, shape.n, row.start, row.length, 1.0f, to + row.before * width, width);
        }
        turned(keys, count, width, turned_keys, columns);
        if (backward) turned(values, count, width, turned_values, columns);
    }
};

template <typename Number>
void forward_row(const Number* q, const Number* k, const Number* v, const Shape& shape, const Row& row, int64_t kv_head, Number* out, float* logs) {
    const int64_t width = shape.width();
    const size_t mark = scratch.used;
    const Context<Number> context(k, v, shape, row, kv_head, false);
    float* queries = scratch.take(QUERIES * width);
    float* scores = scratch.take(QUERIES * context.columns);
    float* result = scratch.take(QUERIES * width);
    float block_logs[QUERIES];
    for (int64_t head = kv_head * shape.group(); head < (kv_head + 1) * shape.group(); ++head) {
        for (int64_t first = 0; first < row.length; first += QUERIES) {
            const int64_t count = std::min(QUERIES, row.length - first);
            const int64_t limit = row.before + first + count, columns = context.columns;
            gather(q, shape.heads, head, shape.n, row.start + first, count, shape.scale, queries, width);
            multiply({queries, context.turned_keys, scores, width, 1, columns, columns, count, padded(limit), shape.n, false});
            probabilities(scores, columns, limit, row, first, count, shape.window, block_logs, false);
            multiply({scores, context.values, result, columns, 1, width, width, count, width, limit, false});
            scatter(result, width, out, shape.heads, head, shape.n, row.start + first, count);
            for (int64_t r = 0; r < count; ++r) logs[(row.start + first + r) * shape.heads + head] = block_logs[r];
        }
    }
    scratch.used = mark;
}

// grad_keys, grad_values (row.before + row.length, width) are added to.
template <typename Number>
void backward_row(const Number* grad, const Number* q, const Number* k, const Number* v, const float* logs, const Shape& shape, const Row& row,
                  int64_t kv_head, Number* grad_q, float* grad_keys, float* grad_values) {
    const int64_t width = shape.width();
    const size_t mark = scratch.used;
    const Context<Number> context(k, v, shape, row, kv_head, true);
    const int64_t columns = context.columns;
    float* queries = scratch.take(QUERIES * width);
    float* above = scratch.take(QUERIES * width);
    float* weights = scratch.take(QUERIES * columns);
    float* slopes = scratch.take(QUERIES * columns);
    float* result = scratch.take(QUERIES * width);
    float block_logs[QUERIES];
    for (int64_t head = kv_head * shape.group(); head < (kv_head + 1) * shape.group(); ++head) {
        for (int64_t first = 0; first < row.length; first += QUERIES) {
            const int64_t count = std::min(QUERIES, row.length - first), limit = row.before + first + count;
            gather(q, shape.heads, head, shape.n, row.start + first, count, shape.scale, queries, width);
            gather(grad, shape.heads, head, shape.n, row.start + first, count, 1.0f, above, width);
            for (int64_t r = 0; r < count; ++r) block_logs[r] = logs[(row.start + first + r) * shape.heads + head];
            multiply({queries, context.turned_keys, weights, width, 1, columns, columns, count, padded(limit), shape.n, false});
            probabilities(weights, columns, limit, row, first, count, shape.window, block_logs, true);
            multiply({above, context.turned_values, slopes, width, 1, columns, columns, count, padded(limit), shape.n, false});
            for (int64_t r = 0; r < count; ++r) {  // slope = weight * (slope - sum of weight * slope)
                float *slope = slopes + r * columns, *weight = weights + r * columns;
                const float mean = dot(weight, slope, limit);
                pieces(limit, [=](int64_t j, int64_t some) { put(slope + j, get(weight + j, some) * (get(slope + j, some) - mean), some); });
            }
            multiply({slopes, context.keys, result, columns, 1, width, width, count, width, limit, false});
            for (int64_t j = 0; j < count * width; j += LANES) store(result + j, load(result + j) * shape.scale);
            scatter(result, width, grad_q, shape.heads, head, shape.n, row.start + first, count);
            multiply({slopes, queries, grad_keys, 1, columns, width, width, limit, width, count, true});
            multiply({weights, above, grad_values, 1, columns, width, width, limit, width, count, true});
        }
    }
    scratch.used = mark;
}

}  // namespace

#include "attention_tiles.h"

namespace {

// Floats that a thread needs for the longest row: its own and its family's sums, and what either way of doing it takes.
size_t memory_of(const Row* rows, int64_t n_rows, const Shape& shape) {
    int64_t longest = 0;
    for (int64_t r = 0; r < n_rows; ++r) longest = std::max(longest, rows[r].before + rows[r].length);
    const int64_t width = (shape.n + 31) / 32 * 32, columns = (longest + 31) / 32 * 32;
    return static_cast<size_t>(8 * columns * width + 64 * (4 * columns + 6 * width) + 32 * 16);
}

// A row by the processor's tiles where it has them for such numbers, else by its vectors.
template <typename Number>
struct Way {
    void forward(const Number* q, const Number* k, const Number* v, const Shape& shape, const Row& row, int64_t head, Number* out, float* logs) const {
        forward_row(q, k, v, shape, row, head, out, logs);
    }
    void backward(const Number* grad, const Number*, const Number* q, const Number* k, const Number* v, const float* logs, const Shape& shape,
                  const Row& row, int64_t head, Number* grad_q, float* grad_keys, float* grad_values) const {
        backward_row(grad, q, k, v, logs, shape, row, head, grad_q, grad_keys, grad_values);
    }
};

#ifdef TUNESMITH_TILES
template <>
struct Way<Bf16Number> {
    const Tiles tiles{true};
    void forward(const Bf16Number* q, const Bf16Number* k, const Bf16Number* v, const Shape& shape, const Row& row, int64_t head, Bf16Number* out, float* logs) const {
        (tiles.used ? forward_row_tiles : forward_row<Bf16Number>)(q, k, v, shape, row, head, out, logs);
    }
    void backward(const Bf16Number* grad, const Bf16Number* out, const Bf16Number* q, const Bf16Number* k, const Bf16Number* v, const float* logs, const Shape& shape, const Row& row,
                  int64_t head, Bf16Number* grad_q, float* grad_keys, float* grad_values) const {
        if (tiles.used) backward_row_tiles(grad, out, q, k, v, logs, shape, row, head, grad_q, grad_keys, grad_values);
        else backward_row(grad, q, k, v, logs, shape, row, head, grad_q, grad_keys, grad_values);
    }
};
#endif

// Zeros for the gradients of all keys that a row sees, tiles' ends included.
float* sums_of(const Row& row, int64_t width) {
    const int64_t n = (row.before + row.length + 31) / 32 * 32 * width;
    float* sums = scratch.take(n);
    std::fill(sums, sums + n, 0.0f);
    return sums;
}

template <typename Number>
void forward(const Number* q, const Number* k, const Number* v, const Row* rows, const int64_t* families, int64_t n_families, const Shape& shape,
             Number* out, float* logs, int64_t threads) {
    const size_t memory = memory_of(rows, families[n_families], shape);
#pragma omp parallel num_threads(threads)
    {
        scratch.begin(memory);
        const Way<Number> way;
#pragma omp for schedule(dynamic, 1)
        for (int64_t unit = 0; unit < n_families * shape.kv_heads; ++unit) {
            const int64_t family = unit / shape.kv_heads, head = unit % shape.kv_heads;
            for (int64_t r = families[family]; r < families[family + 1]; ++r) way.forward(q, k, v, shape, rows[r], head, out, logs);
        }
    }
}

template <typename Number>
void backward(const Number* grad, const Number* out, const Number* q, const Number* k, const Number* v, const float* logs, const Row* rows,
              const int64_t* families, int64_t n_families, const Shape& shape, Number* grad_q, Number* grad_k, Number* grad_v, int64_t threads) {
    const size_t memory = memory_of(rows, families[n_families], shape);
    const int64_t width = shape.width();
#pragma omp parallel num_threads(threads)
    {
        const Way<Number> way;
#pragma omp for schedule(dynamic, 1)
        for (int64_t unit = 0; unit < n_families * shape.kv_heads; ++unit) {
            scratch.begin(memory);
            const int64_t head = unit % shape.kv_heads, begin = families[unit / shape.kv_heads], end = families[unit / shape.kv_heads + 1];
            const Row& root = rows[begin];
            float* root_keys = sums_of(root, width);
            float* root_values = sums_of(root, width);
            way.backward(grad, out, q, k, v, logs, shape, root, head, grad_q, root_keys, root_values);
            for (int64_t r = begin + 1; r < end; ++r) {
                const Row& row = rows[r];
                const size_t mark = scratch.used;
                const int64_t before = row.before * width;
                float* keys = sums_of(row, width);
                float* values = sums_of(row, width);
                way.backward(grad, out, q, k, v, logs, shape, row, head, grad_q, keys, values);
                for (int64_t j = 0; j < before; j += LANES) {
                    store(root_keys + j, load(root_keys + j) + load(keys + j));
                    store(root_values + j, load(root_values + j) + load(values + j));
                }
                scatter(keys + before, width, grad_k, shape.kv_heads, head, shape.n, row.start, row.length);
                scatter(values + before, width, grad_v, shape.kv_heads, head, shape.n, row.start, row.length);
                scratch.used = mark;
            }
            scatter(root_keys, width, grad_k, shape.kv_heads, head, shape.n, root.start, root.length);
            scatter(root_values, width, grad_v, shape.kv_heads, head, shape.n, root.start, root.length);
        }
    }
}

}  // namespace

extern "C" {

// q, out (N, heads, n), k, v (N, kv_heads, n), in numbers of `bytes` (4: fp32, 2: bf16); logs (N, heads); rows (R, 4);
// families (F + 1,): where each begins. Padding is neither read nor written. `window` 0: everything before is seen.
void tunesmith_attention(const void* q, const void* k, const void* v, const int64_t* rows, const int64_t* families, int64_t n_families,
                         int64_t heads, int64_t kv_heads, int64_t n, int64_t window, float scale, int64_t bytes, void* out, float* logs,
                         int64_t threads) {
    const Shape shape{heads, kv_heads, n, window, scale};
    with_number(bytes, [&](auto number) {
        using Number = decltype(number);
        auto in = [](const void* p) { return static_cast<const Number*>(p); };
        forward(in(q), in(k), in(v), reinterpret_cast<const Row*>(rows), families, n_families, shape, static_cast<Number*>(out), logs, threads);
    });
}

// grad, out: of the result. Without padding's zeros nothing is written to it either.
void tunesmith_attention_backward(const void* grad, const void* out, const void* q, const void* k, const void* v, const float* logs, const int64_t* rows,
                                  const int64_t* families, int64_t n_families, int64_t heads, int64_t kv_heads, int64_t n, int64_t window,
                                  float scale, int64_t bytes, void* grad_q, void* grad_k, void* grad_v, int64_t threads) {
    const Shape shape{heads, kv_heads, n, window, scale};
    with_number(bytes, [&](auto number) {
        using Number = decltype(number);
        auto in = [](const void* p) { return static_cast<const Number*>(p); };
        auto made = [](void* p) { return static_cast<Number*>(p); };
        backward(in(grad), in(out), in(q), in(k), in(v), logs, reinterpret_cast<const Row*>(rows), families, n_families, shape, made(grad_q), made(grad_k),
                 made(grad_v), threads);
    });
}
}
