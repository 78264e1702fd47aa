//! Which part of a list is on screen.

/// The first row shown, so that the selected one is: whole pages, because scrolling line by line
/// repaints everything at every step. The last page is full.
pub fn top(selected: usize, len: usize, height: usize) -> usize {
    if height == 0 || len <= height {
        return 0;
    }
    ((selected / height) * height).min(len - height)
}

#[cfg(test)]
mod tests {
    use super::top;

    #[test]
    fn the_selected_row_is_always_shown() {
        for len in 0..40usize {
            for height in 1..12 {
                for selected in 0..len {
                    let top = top(selected, len, height);
                    assert!(
                        top <= selected && selected < top + height,
                        "{selected} of {len} in {height}"
                    );
                    assert!(len <= height || top + height <= len);
                }
            }
        }
    }
}
