// The rows of attention.cpp in bf16, with the processor's tiles. Forward, a line of scores belongs to a query; backward,
// to a key, so that the weights stand as the products with the values' and keys' gradients want them.

#pragma once

#include "tiles.h"

#ifdef TUNESMITH_TILES
namespace {

constexpr int64_t TILE_QUERIES = 64;
constexpr int64_t TILE_DEPTH = 32;  // bf16 in a row of the left tile

inline int64_t rounded(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// c (rows, columns) (+)= a (rows, depth) times b, which lies in pairs of its rows: b[k / 2][column][k % 2]. All sizes are
// multiples of a tile's; row_a in bf16, row_b in pairs, row_c in fp32.
struct TileProduct {
    const Bf16Number *a, *b;
    float* c;
    int64_t row_a, row_b, row_c, rows, columns, depth;
    bool add;
};

template <int M, int N>
inline void tile_block(const TileProduct& p, int64_t i, int64_t j) {
    const auto *a = &p.a->bits + i * p.row_a, *b = &p.b->bits + 2 * j;
    const Side left = {a, a + TILE * p.row_a, p.row_a * 2, TILE_DEPTH}, right = {b, b + 2 * TILE, p.row_b * 4, TILE_DEPTH * p.row_b};
    float* c = p.c + i * p.row_c + j;
    tile_products<M, N>(left, right, p.depth / TILE_DEPTH, c, c + TILE * p.row_c, p.row_c * 4, p.add, [](int64_t) {});
}

template <int M>
inline void tile_rows(const TileProduct& p, int64_t i) {
    int64_t j = 0;
    for (; j + 2 * TILE <= p.columns; j += 2 * TILE) tile_block<M, 2>(p, i, j);
    if (j < p.columns) tile_block<M, 1>(p, i, j);
}

inline void multiply(const TileProduct& p) {
    int64_t i = 0;
    for (; i + 2 * TILE <= p.rows; i += 2 * TILE) tile_rows<2>(p, i);
    if (i < p.rows) tile_rows<1>(p, i);
}

struct Tiled {
    int64_t n, depth;  // of a head, and with zeros behind it
    explicit Tiled(const Shape& shape) : n(shape.n), depth(rounded(shape.n, TILE_DEPTH)) {}
};

inline Bf16Number* take_halves(int64_t count) { return reinterpret_cast<Bf16Number*>(scratch.take((count + 1) / 2)); }

// One head of `count` positions from `at` on, as rows of `width` with zeros behind n, to rows `to` + 0 ...
inline void copied(const Bf16Number* from, int64_t heads, int64_t head, int64_t n, int64_t at, int64_t count, Bf16Number* to, int64_t width) {
    for (int64_t r = 0; r < count; ++r) {
        std::memcpy(to + r * width, from + ((at + r) * heads + head) * n, n * sizeof(Bf16Number));
        std::memset(to + r * width + n, 0, (width - n) * sizeof(Bf16Number));
    }
}

inline void cleared(Bf16Number* rows, int64_t from, int64_t to, int64_t width) {
    if (to > from) std::memset(rows + from * width, 0, (to - from) * width * sizeof(Bf16Number));
}

// rows (count, width) -> out[width / 2][columns][2], zeros from column `count` on: the right side of a product that sums over the
// width. `count` and `columns` are multiples of TILE.
inline void paired_columns(const Bf16Number* rows, int64_t count, int64_t width, Bf16Number* out, int64_t columns) {
    const int64_t pairs = width / 2;
    for (int64_t p = 0; p < pairs; p += TILE)
        for (int64_t r = 0; r < count; r += TILE) turn(rows + 2 * (r * pairs + p), pairs, out + 2 * (p * columns + r), columns);
    for (int64_t p = 0; p < pairs; ++p) cleared(out + 2 * p * columns, 2 * count, 2 * columns, 1);
}

// a[0], b[0], a[1], b[1], ...; n is a multiple of LANES.
inline void interleaved(const Bf16Number* a, const Bf16Number* b, int64_t n, Bf16Number* out) {
    for (int64_t i = 0; i < n; i += LANES) {
        const Bits low = __builtin_convertvector(*reinterpret_cast<const UnalignedHalves*>(a + i), Bits);
        const Bits high = __builtin_convertvector(*reinterpret_cast<const UnalignedHalves*>(b + i), Bits);
        const Bits both = low | high << 16;
        std::memcpy(out + 2 * i, &both, sizeof both);
    }
}

// rows (count, width), count even -> out[count / 2][width][2]: the right side of a product that sums over the rows.
inline void paired_rows(const Bf16Number* rows, int64_t count, int64_t width, Bf16Number* out) {
    for (int64_t r = 0; r < count; r += 2) {
        const Bf16Number *upper = rows + r * width, *lower = upper + width;
        interleaved(upper, lower, width, out + r * width);
    }
}

// rows (count, width) -> out (width, count), by way of `pairs`, which has as much room; `count` is a multiple of TILE_DEPTH.
inline void turned_over(const Bf16Number* rows, int64_t count, int64_t width, Bf16Number* pairs, Bf16Number* out) {
    paired_rows(rows, count, width, pairs);
    for (int64_t r = 0; r < count; r += TILE_DEPTH)
        for (int64_t i = 0; i < width; i += TILE) turn(pairs + r * width + 2 * i, width, out + i * count + r, count / 2);
}

// Keys or values of a row and of the one that it continues, with rows of zeros up to `all`.
inline void gathered(const Bf16Number* from, const Shape& shape, const Row& row, int64_t head, Bf16Number* to, int64_t width, int64_t all) {
    copied(from, shape.kv_heads, head, shape.n, row.parent, row.before, to, width);
    copied(from, shape.kv_heads, head, shape.n, row.start, row.length, to + row.before * width, width);
    cleared(to, row.before + row.length, all, width);
}

// One line of scores becomes exp(scale * score - its largest) as bf16, zeros elsewhere up to `columns`; returns their sum.
inline float weighed(const float* line, const Seen& seen, float scale, Bf16Number* out, int64_t columns, float* log) {
    const float most = largest(line + seen.low, seen.high - seen.low, scale);
    cleared(out, 0, seen.low, 1);
    Vector sums = {};
    const int64_t n = seen.high - seen.low;
    pieces(n, [&](int64_t i, int64_t some) {
        Vector value = exponential(get(line + seen.low + i, some) * scale - most);
        for (int64_t j = some; j < LANES; ++j) value[j] = 0.0f;
        put(out + seen.low + i, value, some);
        sums += value;
    });
    cleared(out, seen.high, columns, 1);
    const float total = sum(sums);
    *log = most + std::log(total);
    return total;
}

inline void forward_row_tiles(const Bf16Number* q, const Bf16Number* k, const Bf16Number* v, const Shape& shape, const Row& row, int64_t kv_head, Bf16Number* out, float* logs) {
    const Tiled size(shape);
    const size_t mark = scratch.used;
    const int64_t all = rounded(row.before + row.length, TILE_DEPTH), depth = size.depth;
    Bf16Number *rows = take_halves(all * depth), *keys = take_halves(all * depth), *values = take_halves(all * depth);
    gathered(k, shape, row, kv_head, rows, depth, all);
    paired_columns(rows, all, depth, keys, all);
    gathered(v, shape, row, kv_head, rows, depth, all);
    paired_rows(rows, all, depth, values);
    Bf16Number *queries = take_halves(TILE_QUERIES * depth), *weights = take_halves(TILE_QUERIES * all);
    float *scores = scratch.take(TILE_QUERIES * all), *result = scratch.take(TILE_QUERIES * depth);
    for (int64_t head = kv_head * shape.group(); head < (kv_head + 1) * shape.group(); ++head) {
        for (int64_t first = 0; first < row.length; first += TILE_QUERIES) {
            const int64_t count = std::min(TILE_QUERIES, row.length - first), tall = rounded(count, TILE);
            const int64_t wide = rounded(row.before + first + count, TILE_DEPTH);
            copied(q, shape.heads, head, shape.n, row.start + first, count, queries, depth);
            cleared(queries, count, tall, depth);
            multiply(TileProduct{queries, keys, scores, depth, all, all, tall, wide, depth, false});
            float totals[TILE_QUERIES];
            for (int64_t r = 0; r < count; ++r) {
                float* log = logs + (row.start + first + r) * shape.heads + head;
                totals[r] = weighed(scores + r * all, Seen(row, first + r, shape.window), shape.scale, weights + r * all, wide, log);
            }
            for (int64_t r = count; r < tall; ++r) cleared(weights + r * all, 0, wide, 1);
            multiply(TileProduct{weights, values, result, all, depth, depth, tall, depth, wide, false});
            for (int64_t r = 0; r < count; ++r) {
                const float factor = 1.0f / totals[r];
                for (int64_t i = 0; i < depth; i += LANES) store(result + r * depth + i, load(result + r * depth + i) * factor);
            }
            scatter(result, depth, out, shape.heads, head, shape.n, row.start + first, count);
        }
    }
    scratch.used = mark;
}

// What a block of queries knows of itself: the logarithms of summed exponentials, and the sums of gradient times output.
struct Known {
    float logs[TILE_QUERIES], sums[TILE_QUERIES];
};

// Two lines of scores and of slopes, of keys j and j + 1, become weights and slopes in bf16, and the slopes in pairs.
inline void sloped(const float* scores, const float* slopes, int64_t line, int64_t j, const Row& row, int64_t first, int64_t wide, const Shape& shape,
                   const Known& known, Bf16Number* weights, Bf16Number* narrow, Bf16Number* paired) {
    for (int64_t key = j; key < j + 2; ++key) {
        // Query i of the block sees the key when low <= i < high.
        const int64_t own = key - row.before - first, low = own, high = shape.window > 0 ? own + shape.window : INT64_MAX;
        for (int64_t i = 0; i < wide; i += LANES) {
            Vector weight = {}, slope = {};
            if (i + LANES > low && i < high) {
                weight = exponential(load(scores + key * line + i) * shape.scale - load(known.logs + i));
                if (i < low || i + LANES > high)
                    for (int64_t lane = 0; lane < LANES; ++lane)
                        if (i + lane < low || i + lane >= high) weight[lane] = 0.0f;
                slope = weight * (load(slopes + key * line + i) - load(known.sums + i)) * shape.scale;
            }
            put(weights + key * line + i, weight, LANES);
            put(narrow + key * line + i, slope, LANES);
        }
    }
    interleaved(narrow + j * line, narrow + (j + 1) * line, wide, paired + j * line);
}

// grad_keys, grad_values (`row.before + row.length` rounded up to tiles, padded(n)) are added to.
inline void backward_row_tiles(const Bf16Number* grad, const Bf16Number* out, const Bf16Number* q, const Bf16Number* k, const Bf16Number* v, const float* logs, const Shape& shape,
                               const Row& row, int64_t kv_head, Bf16Number* grad_q, float* grad_keys, float* grad_values) {
    const Tiled size(shape);
    const size_t mark = scratch.used;
    const int64_t keys_seen = row.before + row.length, all = rounded(keys_seen, TILE_DEPTH), depth = size.depth, line = TILE_QUERIES;
    const int64_t width = shape.width();
    Bf16Number *keys = take_halves(all * depth), *values = take_halves(all * depth), *turned_keys = take_halves(all * depth);
    gathered(k, shape, row, kv_head, keys, depth, all);
    gathered(v, shape, row, kv_head, values, depth, all);
    turned_over(keys, all, depth, take_halves(all * depth), turned_keys);
    Bf16Number *queries = take_halves(line * depth), *above = take_halves(line * depth);
    Bf16Number *query_columns = take_halves(line * depth), *above_columns = take_halves(line * depth);
    Bf16Number *query_rows = take_halves(line * depth), *above_rows = take_halves(line * depth);
    float *scores = scratch.take(all * line), *slopes = scratch.take(all * line), *result = scratch.take(depth * line);
    Bf16Number *weights = take_halves(all * line), *narrow = take_halves(all * line), *paired = take_halves(all * line);
    float *block = scratch.take(line * depth);
    Known known;
    for (int64_t head = kv_head * shape.group(); head < (kv_head + 1) * shape.group(); ++head) {
        for (int64_t first = 0; first < row.length; first += line) {
            const int64_t count = std::min(line, row.length - first), wide = rounded(count, TILE_DEPTH), at = row.start + first;
            const int64_t tall = rounded(row.before + first + count, TILE_DEPTH);
            copied(q, shape.heads, head, shape.n, at, count, queries, depth);
            copied(grad, shape.heads, head, shape.n, at, count, above, depth);
            cleared(queries, count, wide, depth);
            cleared(above, count, wide, depth);
            for (int64_t r = 0; r < wide; ++r) {
                known.logs[r] = known.sums[r] = 0.0f;
                if (r >= count) continue;
                known.logs[r] = logs[(at + r) * shape.heads + head];
                const Bf16Number* made = out + ((at + r) * shape.heads + head) * shape.n;
                Vector products = {};
                pieces(shape.n, [&](int64_t i, int64_t some) { products += get(made + i, some) * get(above + r * depth + i, some); });
                known.sums[r] = sum(products);
            }
            paired_columns(queries, wide, depth, query_columns, line);
            paired_columns(above, wide, depth, above_columns, line);
            paired_rows(queries, wide, depth, query_rows);
            paired_rows(above, wide, depth, above_rows);
            multiply(TileProduct{keys, query_columns, scores, depth, line, line, tall, wide, depth, false});
            multiply(TileProduct{values, above_columns, slopes, depth, line, line, tall, wide, depth, false});
            for (int64_t j = 0; j < tall; j += 2) sloped(scores, slopes, line, j, row, first, wide, shape, known, weights, narrow, paired);
            multiply(TileProduct{weights, above_rows, grad_values, line, depth, width, tall, width, wide, true});
            multiply(TileProduct{narrow, query_rows, grad_keys, line, depth, width, tall, width, wide, true});
            multiply(TileProduct{turned_keys, paired, result, all, line, line, depth, wide, tall, false});
            for (int64_t r = 0; r < wide; r += TILE)
                for (int64_t i = 0; i < depth; i += TILE) turn(result + i * line + r, line, block + r * depth + i, depth);
            scatter(block, depth, grad_q, shape.heads, head, shape.n, at, count);
        }
    }
    scratch.used = mark;
}

}  // namespace
#endif
